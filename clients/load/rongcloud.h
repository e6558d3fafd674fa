/*
 * clients/load/rongcloud.h - a recall in RongCloud's dialect.
 *
 * Owns, borrows: nothing.
 * Bounds:  texts are cut to the sizes given, which is an error.
 * Fails:   false if a text does not fit, or the crypto library fails.
 * Thread:  any.
 */
#ifndef RECALL_LOAD_RONGCLOUD_H
#define RECALL_LOAD_RONGCLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rongcloud_recall {
    const char *app_key, *app_secret;
    const char *author, *room, *message;
    bool is_delete;
    uint32_t nonce;
};

#define RONGCLOUD_RECALL_PATH "/message/recall.json"

/* The header lines that sign it, and its form. */
bool rongcloud_recall(const struct rongcloud_recall *r, char *headers, size_t headers_size, char *form,
                      size_t form_size);

#endif
