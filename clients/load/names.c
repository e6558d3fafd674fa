#include "clients/load/names.h"

#include <stdio.h>
#include <string.h>

void names_init(struct names *n, uint32_t number)
{
    snprintf(n->run, sizeof(n->run), "%08x", number);
    n->room_len = (size_t)snprintf(n->room, sizeof(n->room), "load-%s-r", n->run);
    n->message_len = (size_t)snprintf(n->message, sizeof(n->message), "load-%s-m", n->run);
    n->content_len = (size_t)snprintf(n->content, sizeof(n->content), "load-%s:", n->run);
}

void names_user(const struct names *n, uint32_t i, char out[NAMES_MOST])
{
    snprintf(out, NAMES_MOST, "load-%s-u%u", n->run, i);
}

void names_room(const struct names *n, uint32_t i, char out[NAMES_MOST])
{
    snprintf(out, NAMES_MOST, "%s%u", n->room, i);
}

void names_message(const struct names *n, uint64_t i, char out[NAMES_MOST])
{
    snprintf(out, NAMES_MOST, "%s%llu", n->message, (unsigned long long)i);
}

bool names_number(const char *p, size_t n, const char *prefix, size_t prefix_len, char end, uint64_t *number,
                  size_t *used)
{
    size_t at = prefix_len;

    if (n <= prefix_len || memcmp(p, prefix, prefix_len) != 0)
        return false;
    for (*number = 0; at < n && p[at] >= '0' && p[at] <= '9' && at - prefix_len < 18; at++)
        *number = *number * 10 + (uint64_t)(p[at] - '0');
    *used = at;
    return at > prefix_len && at < n && p[at] == end;
}
