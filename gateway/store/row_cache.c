#include "store/row_cache.h"

#include "store/conn.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 2U
#define SETS (ROW_CACHE_PLACES / WAYS)
#define TEXTS_MAX 9U /* that a row of any kind has */
#define STEP 128U    /* rows are allocated in few sizes: malloc keeps some freed blocks of each, and a page of the system's with each of them */

/* A row, followed by what finds it and by its texts, one after another. */
struct kept {
    uint64_t hash;
    int64_t scope;
    size_t id_size, text_size;
    size_t room; /* bytes at `text` */
    bool used;
    union {
        struct room_row room;
        struct client_row client;
        struct member_row member;
        struct message_row message;
        int64_t key;
    } row;
    char text[];
};

struct row_cache {
    struct kept *places[ROW_KINDS][SETS][WAYS];
    uint8_t turn[ROW_KINDS][SETS]; /* which of a set's places gives way next */
};

struct shape {
    size_t size, texts;
    size_t at[TEXTS_MAX]; /* of the texts in the row */
};

#define AT(type, field) offsetof(struct type, field)

static const struct shape shapes[ROW_KINDS] = {
    [ROW_ROOM] = {sizeof(struct room_row),
                  5,
                  {AT(room_row, id), AT(room_row, name), AT(room_row, type), AT(room_row, owner), AT(room_row, fields)}},
    [ROW_ROOM_KEY] = {sizeof(int64_t), 0, {0}},
    [ROW_CLIENT] = {sizeof(struct client_row),
                    4,
                    {AT(client_row, id), AT(client_row, nickname), AT(client_row, avatar), AT(client_row, fields)}},
    [ROW_MEMBER] = {sizeof(struct member_row), 2, {AT(member_row, user), AT(member_row, read_id)}},
    [ROW_LAST] = {sizeof(struct message_row),
                  9, /* and the audience, which a last message never has */
                  {AT(message_row, room), AT(message_row, id), AT(message_row, sender), AT(message_row, type), AT(message_row, body),
                   AT(message_row, content), AT(message_row, reply), AT(message_row, batch), AT(message_row, client_msg_id)}},
};

static struct str text_of(const void *row, size_t at)
{
    struct str s;

    memcpy(&s, (const char *)row + at, sizeof(s));
    return s;
}

static void set_text(void *row, size_t at, struct str s)
{
    memcpy((char *)row + at, &s, sizeof(s));
}

static uint64_t hash_of(int64_t scope, struct str id)
{
    uint64_t h = (uint64_t)scope * UINT64_C(0x9E3779B97F4A7C15), word;
    size_t i = 0;

    for (; id.n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, id.p + i, sizeof(word));
        h = (h ^ word) * UINT64_C(0xFF51AFD7ED558CCD);
        h ^= h >> 32;
    }
    for (; i < id.n; i++)
        h = (h ^ (unsigned char)id.p[i]) * UINT64_C(0x100000001B3);
    h ^= h >> 29;
    h *= UINT64_C(0xBF58476D1CE4E5B9);
    return h ^ h >> 32;
}

static bool is(const struct kept *k, uint64_t hash, int64_t scope, struct str id)
{
    return k != NULL && k->used && k->hash == hash && k->scope == scope && k->id_size == id.n &&
           (id.n == 0 || memcmp(k->text, id.p, id.n) == 0);
}

/* What was said must not outlive its recall here either. */
static void wipe(struct kept *k)
{
    if (k == NULL || !k->used)
        return;
    k->used = false;
    explicit_bzero(k->text, k->id_size + k->text_size);
}

static struct kept *find(const struct row_cache *cache, enum row_kind kind, int64_t scope, struct str id)
{
    const uint64_t hash = hash_of(scope, id);
    struct kept *const *set = cache->places[kind][hash % SETS];

    for (size_t i = 0; i < WAYS; i++)
        if (is(set[i], hash, scope, id))
            return set[i];
    return NULL;
}

bool row_cache_get(struct store_conn *c, enum row_kind kind, int64_t scope, struct str id, void *row)
{
    const struct shape *shape = &shapes[kind];
    const struct kept *k = c->rows != NULL && !c->failed ? find(c->rows, kind, scope, id) : NULL;
    const char *text;

    if (k == NULL)
        return false;
    memcpy(row, &k->row, shape->size);
    text = k->text_size != 0 ? arena_str(&c->arena, str_n(k->text + k->id_size, k->text_size)).p : "";
    for (size_t i = 0; i < shape->texts; i++) {
        const struct str kept = text_of(row, shape->at[i]);

        if (kept.p == NULL)
            continue;
        set_text(row, shape->at[i], str_n(text, kept.n));
        text += kept.n;
    }
    return true;
}

/* A place for the row with room for `n` bytes of text; NULL without memory. */
static struct kept *place_for(struct row_cache *cache, enum row_kind kind, uint64_t hash, int64_t scope, struct str id, size_t n)
{
    struct kept **set = cache->places[kind][hash % SETS];
    size_t way = WAYS;
    struct kept *k;

    for (size_t i = 0; i < WAYS && way == WAYS; i++)
        way = is(set[i], hash, scope, id) ? i : WAYS;
    for (size_t i = 0; i < WAYS && way == WAYS; i++)
        way = set[i] == NULL || !set[i]->used ? i : WAYS;
    if (way == WAYS)
        way = cache->turn[kind][hash % SETS]++ % WAYS;
    k = set[way];
    wipe(k);
    if (k == NULL || k->room < n) {
        const size_t size = (sizeof(*k) + n + STEP - 1) / STEP * STEP;

        free(k);
        k = set[way] = malloc(size);
        if (k == NULL)
            return NULL;
        k->room = size - sizeof(*k);
    }
    return k;
}

void row_cache_put(struct store_conn *c, enum row_kind kind, int64_t scope, struct str id, const void *row)
{
    const struct shape *shape = &shapes[kind];
    const uint64_t hash = hash_of(scope, id);
    size_t texts = 0;
    struct kept *k;
    char *to;

    if (!c->writer || c->failed)
        return;
    for (size_t i = 0; i < shape->texts; i++)
        texts += text_of(row, shape->at[i]).n;
    if (id.n + texts > ROW_CACHE_TEXT) {
        row_cache_drop(c, kind, scope, id);
        return;
    }
    if (c->rows == NULL)
        c->rows = calloc(1, sizeof(*c->rows));
    k = c->rows != NULL ? place_for(c->rows, kind, hash, scope, id, id.n + texts) : NULL;
    if (k == NULL)
        return;
    k->hash = hash;
    k->scope = scope;
    k->id_size = id.n;
    k->text_size = texts;
    k->used = true;
    memcpy(&k->row, row, shape->size);
    if (id.n != 0)
        memcpy(k->text, id.p, id.n);
    to = k->text + id.n;
    for (size_t i = 0; i < shape->texts; i++) {
        const struct str s = text_of(row, shape->at[i]);

        if (s.n != 0)
            memcpy(to, s.p, s.n);
        to += s.n;
    }
}

void row_cache_drop(struct store_conn *c, enum row_kind kind, int64_t scope, struct str id)
{
    if (c->rows != NULL)
        wipe(find(c->rows, kind, scope, id));
}

void row_cache_clear(struct store_conn *c)
{
    row_cache_free(c->rows);
    c->rows = NULL;
}

static int by_address(const void *a, const void *b)
{
    struct kept *const *x = a, *const *y = b;

    return ((uintptr_t)*x > (uintptr_t)*y) - ((uintptr_t)*x < (uintptr_t)*y);
}

/* The lowest first: of each size malloc keeps the first few freed blocks, and a page of the system's with each, wherever in the heap it is. */
void row_cache_free(struct row_cache *cache)
{
    struct kept **places;

    if (cache == NULL)
        return;
    places = &cache->places[0][0][0];
    qsort(places, ROW_KINDS * SETS * WAYS, sizeof(*places), by_address);
    for (size_t i = 0; i < ROW_KINDS * SETS * WAYS; i++) {
        wipe(places[i]);
        free(places[i]);
    }
    free(cache);
}
