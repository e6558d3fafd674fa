#include "core/audience.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

struct audience {
    atomic_uint refs;
    bool asks;           /* tags or a package: the database knows */
    struct str package;  /* absent: not asked */
    const struct str *users, *all, *any;
    size_t user_count, all_count, any_count;
};

/* --- reading the text --- */

static int compare(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    const size_t n = x->n < y->n ? x->n : y->n;
    const int order = n != 0 ? memcmp(x->p, y->p, n) : 0;

    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static struct str text_of(const json_t *v)
{
    return json_is_string(v) ? str_n(json_string_value(v), json_string_length(v)) : STR_NULL;
}

static size_t bytes_of(const json_t *list)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        n += text_of(json_array_get(list, i)).n;
    return n;
}

static struct str place(char **at, struct str s)
{
    const struct str placed = {*at, s.n};

    if (s.n != 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return placed;
}

/* Copies a list's texts behind *at, and the list itself to *to. What is no text becomes the empty one, which nobody has. */
static const struct str *place_list(const json_t *list, struct str **to, char **at, size_t *count)
{
    struct str *placed = *to;

    *count = json_array_size(list);
    for (size_t i = 0; i < *count; i++)
        placed[i] = place(at, text_of(json_array_get(list, i)));
    *to += *count;
    return placed;
}

struct audience *audience_parse(struct str text)
{
    json_t *root, *users, *all, *any, *package;
    struct audience *a;
    struct str *lists;
    char *at;
    size_t count;

    if (text.p == NULL)
        return NULL;
    root = json_loadb(text.p, text.n, 0, NULL);
    users = json_object_get(root, "users");
    all = json_object_get(root, "tag");
    any = json_object_get(root, "tag_or");
    package = json_object_get(root, "packageName");
    count = json_array_size(users) + json_array_size(all) + json_array_size(any);
    a = malloc(sizeof(*a) + count * sizeof(*lists) + bytes_of(users) + bytes_of(all) + bytes_of(any) + text_of(package).n);
    if (a == NULL)
        abort();
    *a = (struct audience){.asks = users == NULL && (json_array_size(all) != 0 || json_array_size(any) != 0 ||
                                                     json_is_string(package))};
    atomic_init(&a->refs, 1);
    lists = (struct str *)(void *)(a + 1);
    at = (char *)(lists + count);
    a->users = place_list(users, &lists, &at, &a->user_count);
    a->all = place_list(all, &lists, &at, &a->all_count);
    a->any = place_list(any, &lists, &at, &a->any_count);
    if (json_is_string(package))
        a->package = place(&at, text_of(package));
    if (a->user_count != 0)
        qsort((void *)(uintptr_t)a->users, a->user_count, sizeof(*a->users), compare);
    json_decref(root);
    return a;
}

struct audience *audience_ref(struct audience *a)
{
    if (a != NULL)
        atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

void audience_unref(struct audience *a)
{
    if (a != NULL && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
        free(a);
}

/* --- deciding --- */

enum audience_answer audience_of(const struct audience *a, struct str user)
{
    if (a == NULL || user.p == NULL)
        return AUDIENCE_YES;
    if (a->asks)
        return AUDIENCE_ASK;
    if (a->user_count == 0 || bsearch(&user, a->users, a->user_count, sizeof(*a->users), compare) == NULL)
        return AUDIENCE_NO;
    return AUDIENCE_YES;
}

static bool has_any(struct core_tx *tx, const struct audience *a, struct str user, int64_t seq)
{
    for (size_t i = 0; i < a->any_count; i++)
        if (store_tag_held(tx->conn, tx->app_id, user, a->any[i], seq))
            return true;
    return a->any_count == 0;
}

bool audience_holds(struct core_tx *tx, const struct audience *a, struct str user, const struct message_row *m)
{
    const enum audience_answer answer = audience_of(a, user);

    if (answer != AUDIENCE_ASK)
        return answer == AUDIENCE_YES;
    if (a->package.p != NULL && !store_package_held(tx->conn, tx->app_id, user, a->package, m->seq,
                                                    tx->device_ms != 0 ? m->created_ms - tx->device_ms : INT64_MIN))
        return false;
    for (size_t i = 0; i < a->all_count; i++)
        if (!store_tag_held(tx->conn, tx->app_id, user, a->all[i], m->seq))
            return false;
    return has_any(tx, a, user, m->seq) && !store_conn_failed(tx->conn);
}

/* Is the id written as it is, whoever writes it? */
static bool is_plain(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if ((id.p[i] < '0' || id.p[i] > '9') && (id.p[i] < 'A' || id.p[i] > 'Z') && (id.p[i] < 'a' || id.p[i] > 'z') &&
            id.p[i] != '-' && id.p[i] != '_' && id.p[i] != '.' && id.p[i] != '@')
            return false;
    return id.n != 0;
}

/* What a text of users alone says of a plain id, without parsing it: a history asks this of thousands of lists of a thousand. A quote behind
 * a bracket or a comma begins an id, as one inside an id is escaped. AUDIENCE_ASK: parse it. */
static enum audience_answer look_up(struct str text, struct str user)
{
    static const char head[] = "{\"users\":[";
    const char *at = text.p + sizeof(head) - 1, *end = text.p + text.n;

    if (text.n < sizeof(head) || memcmp(text.p, head, sizeof(head) - 1) != 0 || !is_plain(user))
        return AUDIENCE_ASK;
    while ((at = memmem(at, (size_t)(end - at), user.p, user.n)) != NULL) {
        if (at[-1] == '"' && (at[-2] == '[' || at[-2] == ',') && at + user.n < end && at[user.n] == '"')
            return AUDIENCE_YES;
        at++;
    }
    return AUDIENCE_NO;
}

bool audience_sees(struct core_tx *tx, struct str user, const struct message_row *m)
{
    struct audience *a;
    enum audience_answer answer;
    bool sees;

    if (m->audience.p == NULL || user.p == NULL)
        return true;
    answer = look_up(m->audience, user);
    if (answer != AUDIENCE_ASK)
        return answer == AUDIENCE_YES;
    a = audience_parse(m->audience);
    sees = audience_holds(tx, a, user, m);
    audience_unref(a);
    return sees;
}

bool audience_covers(struct str outer, struct str inner)
{
    struct audience *a;
    bool covers;

    if (inner.p == NULL || outer.p == NULL)
        return inner.p == NULL;
    if (!str_eq(outer, inner))
        return false;
    a = audience_parse(inner);
    covers = !a->asks;
    audience_unref(a);
    return covers;
}

/* --- writing the text --- */

static void write_list(struct json_out *o, const char *key, const struct str *list, size_t n)
{
    json_out_key(o, key);
    json_out_array(o);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(list[i], list[i - 1]))
            json_out_str(o, list[i].p, list[i].n);
    json_out_array_end(o);
}

static struct str take(struct arena *arena, struct json_out *o)
{
    struct str text;

    if (!json_out_ok(o))
        abort();
    text = arena_str(arena, str_n(o->p, o->len));
    json_out_free(o);
    return text;
}

struct str audience_users(struct arena *arena, const struct str *users, size_t n)
{
    struct str *sorted = arena_alloc(arena, (n + 1) * sizeof(*sorted));
    struct json_out o;

    if (n != 0) {
        memcpy(sorted, users, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), compare);
    }
    json_out_init(&o);
    json_out_object(&o);
    write_list(&o, "users", sorted, n);
    json_out_object_end(&o);
    return take(arena, &o);
}

struct str audience_push(struct arena *arena, const struct str *all, size_t all_count, const struct str *any, size_t any_count,
                         struct str package)
{
    struct json_out o;

    if (all_count == 0 && any_count == 0 && package.p == NULL)
        return STR_NULL;
    json_out_init(&o);
    json_out_object(&o);
    if (all_count != 0)
        write_list(&o, "tag", all, all_count);
    if (any_count != 0)
        write_list(&o, "tag_or", any, any_count);
    if (package.p != NULL)
        json_out_kstr(&o, "packageName", package.p, package.n);
    json_out_object_end(&o);
    return take(arena, &o);
}
