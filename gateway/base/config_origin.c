#include "base/config_value.h"
#include "base/text.h"

#include <string.h>

#define ORIGIN_MAX 512

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ":80" of http, ":443" of https; NULL for a scheme without a port that it implies. */
static const char *default_port(const char *origin)
{
    if (strncmp(origin, "http://", 7) == 0) {
        return ":80";
    }
    return strncmp(origin, "https://", 8) == 0 ? ":443" : NULL;
}

static bool ends_with(const char *s, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len > n && memcmp(s + len - n, end, n) == 0;
}

bool config_origin_normal(const char *origin, size_t len, char *out)
{
    static const char scheme[] = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
    static const char host[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
    if (memchr(origin, '\0', len) != NULL) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = lower(origin[i]);
    }
    if (len > 0 && out[len - 1] == '/') {
        len--;
    }
    out[len] = '\0';
    size_t n = strspn(out, scheme);
    if (n == 0 || strncmp(out + n, "://", 3) != 0 || out[n + 3] == '\0' ||
        out[n + 3 + strspn(out + n + 3, host)] != '\0') {
        return false;
    }
    const char *port = default_port(out);
    if (port != NULL && ends_with(out, len, port)) {
        out[len - strlen(port)] = '\0';
    }
    return true;
}

/* Whether the page came from where it now connects to. A proxy that ends TLS may leave the port out of Host,
 * so both are compared without the port that the origin's scheme implies. */
static bool same_host(const char *origin, const char *host, size_t host_len)
{
    const char *port = default_port(origin);
    if (port == NULL) {
        return false;
    }
    const char *authority = strstr(origin, "://") + 3;
    size_t n = strlen(authority);
    char with_port[ORIGIN_MAX + 8];
    (void)snprintf(with_port, sizeof with_port, "%s%s", authority, port);
    return n > 0 && (text_is_nocase(host, host_len, authority) || text_is_nocase(host, host_len, with_port));
}

bool config_origin_allowed_by(const struct config_app *app, const char *origin, size_t origin_len,
                              const char *host, size_t host_len)
{
    char normal[ORIGIN_MAX + 1];
    if (origin_len > ORIGIN_MAX || !config_origin_normal(origin, origin_len, normal)) {
        return false;
    }
    if (app->origin_count == 0) {
        return same_host(normal, host, host_len);
    }
    for (size_t i = 0; i < app->origin_count; i++) {
        if (strcmp(app->origins[i], normal) == 0) {
            return true;
        }
    }
    return false;
}

bool config_origin_allowed(const struct config *config, const char *origin, size_t origin_len,
                           const char *host, size_t host_len)
{
    for (size_t i = 0; i < config->app_count; i++) {
        if (config_origin_allowed_by(&config->apps[i], origin, origin_len, host, host_len)) {
            return true;
        }
    }
    return false;
}
