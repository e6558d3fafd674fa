#include "api/recalled.h"

#include "proto/codec/json_out.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Recall number i (from 1) stands at i % RECALLED_KEPT and hangs in the chain of its key. */
struct entry {
    uint64_t key;
    uint32_t next; /* index + 1; 0: the chain's end */
};

struct recalled {
    pthread_mutex_t lock;
    atomic_uint_fast64_t count;
    struct entry entries[RECALLED_KEPT];
    uint32_t chains[RECALLED_KEPT]; /* index + 1 */
};

/* FNV-1a. */
#define HASH_START UINT64_C(14695981039346656037)

static uint64_t hash(uint64_t h, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t hash_app(int64_t app)
{
    return hash(HASH_START, (const char *)&app, sizeof(app));
}

struct recalled *recalled_create(void)
{
    struct recalled *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    if (pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    return r;
}

void recalled_free(struct recalled *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void unchain(struct recalled *r, uint32_t index)
{
    uint32_t *at = &r->chains[r->entries[index].key % RECALLED_KEPT];

    while (*at != 0 && *at != index + 1)
        at = &r->entries[*at - 1].next;
    if (*at != 0)
        *at = r->entries[index].next;
}

void recalled_note(struct recalled *r, int64_t app, struct str message)
{
    struct json_out text;
    uint64_t key, count;
    uint32_t index, *chain;

    if (r == NULL)
        return;
    /* As it stands between the quotes of an answer. */
    json_out_init(&text);
    json_out_str(&text, message.p != NULL ? message.p : "", message.n);
    if (!json_out_ok(&text))
        abort(); /* going on without it would break the promise */
    key = hash(hash_app(app), text.p + 1, text.len - 2);
    json_out_free(&text);
    pthread_mutex_lock(&r->lock);
    count = atomic_load_explicit(&r->count, memory_order_relaxed) + 1;
    index = (uint32_t)(count % RECALLED_KEPT);
    if (count > RECALLED_KEPT)
        unchain(r, index);
    chain = &r->chains[key % RECALLED_KEPT];
    r->entries[index] = (struct entry){.key = key, .next = *chain};
    *chain = index + 1;
    atomic_store(&r->count, count);
    pthread_mutex_unlock(&r->lock);
}

uint64_t recalled_mark(struct recalled *r)
{
    return r != NULL ? atomic_load(&r->count) : 0;
}

/* Was the key noted after `mark`? `count` is now. */
static bool noted_since(const struct recalled *r, uint64_t key, uint64_t mark, uint64_t count)
{
    for (uint32_t at = r->chains[key % RECALLED_KEPT]; at != 0; at = r->entries[at - 1].next) {
        const uint64_t index = at - 1;
        /* How many recalls ago the entry was written: less than RECALLED_KEPT. */
        const uint64_t age = (count % RECALLED_KEPT + RECALLED_KEPT - index) % RECALLED_KEPT;

        if (r->entries[index].key == key && count - age > mark)
            return true;
    }
    return false;
}

/* What to do with an id that was found; true ends the search. */
typedef bool found_fn(void *ctx, uint64_t key);

/* Ids that follow one name. True: the search was ended, or an id cannot be told. */
static bool search_name(uint64_t app_hash, const char *body, size_t n, const char *name, found_fn *found, void *ctx)
{
    const char *end = body + n;
    const char *at = body;

    while ((at = memmem(at, (size_t)(end - at), name, strlen(name))) != NULL) {
        const char *id = at + strlen(name);

        if (id[-2] == '\\') { /* inside a text that is itself JSON: an id with escapes of its own might be anyone's */
            for (at = id; at < end && *at != '\\'; at++)
                ;
            if (at + 1 < end && at[1] != '"')
                return true;
        } else {
            for (at = id; at < end && *at != '"'; at++)
                at += *at == '\\' && at + 1 < end ? 1 : 0;
        }
        if (at < end && found(ctx, hash(app_hash, id, (size_t)(at - id))))
            return true;
    }
    return false;
}

/* Every message object has its "_id" first, or one of RongCloud's names beside its content; other objects' ids are looked up in vain. */
static bool search(uint64_t app_hash, const char *body, size_t n, found_fn *found, void *ctx)
{
    static const char *const names[] = {"\"_id\":\"", "\"messageUID\":\"", "\"msgUID\":\"", "\"referMsgUid\":\"",
                                        "\\\"referMsgUid\\\":\\\""};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (search_name(app_hash, body, n, names[i], found, ctx))
            return true;
    return false;
}

struct since {
    const struct recalled *r;
    uint64_t mark, count;
};

static bool is_recalled(void *ctx, uint64_t key)
{
    const struct since *s = ctx;

    return noted_since(s->r, key, s->mark, s->count);
}

bool recalled_shown(struct recalled *r, int64_t app, uint64_t *mark, const char *body, size_t n)
{
    struct since since = {.r = r, .mark = *mark};
    bool shown;

    if (r == NULL || atomic_load(&r->count) == since.mark)
        return false;
    pthread_mutex_lock(&r->lock);
    since.count = atomic_load(&r->count);
    shown = since.count - since.mark > RECALLED_KEPT || (n != 0 && search(hash_app(app), body, n, is_recalled, &since));
    pthread_mutex_unlock(&r->lock);
    *mark = since.count;
    return shown;
}

/* --- large answers --- */

struct recalled_ids {
    uint64_t *keys; /* in ascending order */
    size_t n, cap;
    bool doubtful; /* some id could not be told, or there was no memory for all: any recall may be one of them */
};

static bool add_id(void *ctx, uint64_t key)
{
    struct recalled_ids *ids = ctx;

    if (ids->n == ids->cap) {
        const size_t cap = ids->cap != 0 ? 2 * ids->cap : 1024;
        uint64_t *keys = realloc(ids->keys, cap * sizeof(*keys));

        if (keys == NULL)
            return true;
        ids->keys = keys;
        ids->cap = cap;
    }
    ids->keys[ids->n++] = key;
    return false;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

struct recalled_ids *recalled_ids_make(int64_t app, const char *body, size_t n)
{
    struct recalled_ids *ids = n >= RECALLED_LARGE ? calloc(1, sizeof(*ids)) : NULL;

    if (ids == NULL)
        return NULL;
    ids->doubtful = search(hash_app(app), body, n, add_id, ids);
    if (ids->n > 1)
        qsort(ids->keys, ids->n, sizeof(*ids->keys), compare);
    return ids;
}

void recalled_ids_free(struct recalled_ids *ids)
{
    if (ids == NULL)
        return;
    free(ids->keys);
    free(ids);
}

bool recalled_listed(struct recalled *r, const struct recalled_ids *ids, uint64_t *mark)
{
    const uint64_t from = *mark;
    uint64_t count;
    bool shown;

    if (r == NULL || atomic_load(&r->count) == from)
        return false;
    pthread_mutex_lock(&r->lock);
    count = atomic_load(&r->count);
    shown = ids->doubtful || count - from > RECALLED_KEPT;
    for (uint64_t i = from + 1; i <= count && !shown && ids->n != 0; i++)
        shown = bsearch(&r->entries[i % RECALLED_KEPT].key, ids->keys, ids->n, sizeof(*ids->keys), compare) != NULL;
    pthread_mutex_unlock(&r->lock);
    *mark = count;
    return shown;
}
