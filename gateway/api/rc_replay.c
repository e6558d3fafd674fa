#include "api/rc_replay.h"

#include "base/log.h"
#include "base/text.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define NONE UINT32_MAX

/* Signature number i stands at i % RC_REPLAY_KEPT and hangs in the chain of its key. */
struct entry {
    uint64_t key;
    uint32_t next;
};

struct rc_replay {
    pthread_mutex_t lock;
    uint64_t count;
    bool told;
    struct entry *entries; /* NULL until the first use */
    uint32_t *chains;
};

struct rc_replay *rc_replay_create(void)
{
    struct rc_replay *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    if (pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    return r;
}

void rc_replay_free(struct rc_replay *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r->entries);
    free(r->chains);
    free(r);
}

static bool allocate(struct rc_replay *r)
{
    if (r->entries != NULL)
        return true;
    r->entries = calloc(RC_REPLAY_KEPT, sizeof(*r->entries));
    r->chains = malloc(RC_REPLAY_KEPT * sizeof(*r->chains));
    if (r->entries != NULL && r->chains != NULL) {
        for (size_t i = 0; i < RC_REPLAY_KEPT; i++)
            r->chains[i] = NONE;
        return true;
    }
    free(r->entries);
    free(r->chains);
    r->entries = NULL;
    r->chains = NULL;
    if (!r->told)
        log_write(LOG_LEVEL_WARN, "no memory for used signatures: replays are not refused",
                  (const struct log_field[]){LOG_END});
    r->told = true;
    return false;
}

static void unchain(struct rc_replay *r, uint32_t index)
{
    uint32_t *at = &r->chains[r->entries[index].key % RC_REPLAY_KEPT];

    while (*at != NONE && *at != index)
        at = &r->entries[*at].next;
    if (*at != NONE)
        *at = r->entries[index].next;
}

static bool used(struct rc_replay *r, uint64_t key)
{
    uint32_t *chain = &r->chains[key % RC_REPLAY_KEPT];
    const uint32_t index = (uint32_t)(r->count % RC_REPLAY_KEPT);

    for (uint32_t at = *chain; at != NONE; at = r->entries[at].next)
        if (r->entries[at].key == key)
            return true;
    if (r->count >= RC_REPLAY_KEPT)
        unchain(r, index);
    r->entries[index] = (struct entry){key, *chain};
    *chain = index;
    r->count++;
    return false;
}

bool rc_replay_used(struct rc_replay *r, struct str signature)
{
    uint64_t key;
    bool was;

    if (r == NULL || signature.n < 2 * sizeof(key) || !text_unhex(signature.p, 2 * sizeof(key), &key))
        return false;
    pthread_mutex_lock(&r->lock);
    was = allocate(r) && used(r, key);
    pthread_mutex_unlock(&r->lock);
    return was;
}
