/*
 * The users of one edge thread's sessions and event streams: a table of chains that grows with them.
 */
#include "api/session_private.h"

#include <stddef.h>
#include <stdlib.h>

#define CHAINS_AT_FIRST 64U

/* FNV-1a, with the app's number before the id. */
static uint32_t hash(uint32_t app_id, struct str user)
{
    uint32_t h = (UINT32_C(2166136261) ^ app_id) * UINT32_C(16777619);

    for (size_t i = 0; i < user.n; i++)
        h = (h ^ (unsigned char)user.p[i]) * UINT32_C(16777619);
    return h;
}

struct session_user *session_table_user(struct api_thread *t, int64_t app_id, struct str user)
{
    const struct session_table *table = t->sessions;
    const uint32_t h = hash((uint32_t)app_id, user);
    struct session_user *u = table->user_chains != 0 ? table->users[h & (table->user_chains - 1)] : NULL;

    while (u != NULL && (u->hash != h || u->app_id != (uint32_t)app_id || !str_eq(session_user_id(u), user)))
        u = u->next;
    return u;
}

/* Keeps the chains short: as many of them as users. */
static void grow(struct session_table *table)
{
    const size_t chains = table->user_chains != 0 ? table->user_chains * 2 : CHAINS_AT_FIRST;
    struct session_user **users, *u, *next;

    if (table->user_count < table->user_chains)
        return;
    users = calloc(chains, sizeof(struct session_user *));
    if (users == NULL)
        abort();
    for (size_t i = 0; i < table->user_chains; i++) {
        for (u = table->users[i]; u != NULL; u = next) {
            struct session_user **at = &users[u->hash & (chains - 1)];

            next = u->next;
            u->next = *at;
            *at = u;
        }
    }
    free(table->users);
    table->users = users;
    table->user_chains = chains;
    table->walk = 0;
}

struct session_user *session_table_join(struct api_thread *t, int64_t app_id, struct str user)
{
    struct session_table *table = t->sessions;
    struct session_user *u = session_table_user(t, app_id, user);
    struct session_user **at;

    if (u != NULL)
        return u;
    grow(table);
    u = calloc(1, offsetof(struct session_user, id) + user.n);
    if (u == NULL)
        abort();
    memcpy(u->id, user.p, user.n); /* at most 64 bytes */
    u->id_len = (uint8_t)user.n;
    u->app_id = (uint32_t)app_id;
    u->hash = hash(u->app_id, user);
    at = &table->users[u->hash & (table->user_chains - 1)];
    u->next = *at;
    *at = u;
    table->user_count++;
    return u;
}

void session_table_leave(struct api_thread *t, struct session_user *u)
{
    struct session_user **at = &t->sessions->users[u->hash & (t->sessions->user_chains - 1)];

    if (u->sessions != NULL || u->streams != NULL)
        return;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    t->sessions->user_count--;
    free(u);
}

void session_table_free(struct session_table *table)
{
    free(table->users);
    table->users = NULL;
    table->user_chains = 0;
}
