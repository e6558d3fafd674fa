#include "base/config.h"

#include <pthread.h>
#include <stdlib.h>

/* A lock, because reading the pointer and counting the reference must be one step. */
struct config_holder {
    pthread_mutex_t lock;
    const struct config *config;
};

struct config_holder *config_holder_create(const struct config *config)
{
    struct config_holder *holder = calloc(1, sizeof *holder);
    if (holder == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&holder->lock, NULL) != 0) {
        free(holder);
        return NULL;
    }
    holder->config = config;
    return holder;
}

void config_holder_free(struct config_holder *holder)
{
    if (holder == NULL) {
        return;
    }
    config_unref(holder->config);
    (void)pthread_mutex_destroy(&holder->lock);
    free(holder);
}

const struct config *config_holder_get(struct config_holder *holder)
{
    (void)pthread_mutex_lock(&holder->lock);
    const struct config *config = config_ref(holder->config);
    (void)pthread_mutex_unlock(&holder->lock);
    return config;
}

void config_holder_put(struct config_holder *holder, const struct config *config)
{
    (void)pthread_mutex_lock(&holder->lock);
    const struct config *old = holder->config;
    holder->config = config;
    (void)pthread_mutex_unlock(&holder->lock);
    config_unref(old);
}
