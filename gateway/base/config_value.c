#include "base/config_value.h"

#include "base/text.h"
#include "base/zone.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX 256
#define VALUE_MAX 1024
#define BLANKS " \t,"

static bool refuse(char why[static CONFIG_VALUE_WHY], const char *text)
{
    (void)snprintf(why, CONFIG_VALUE_WHY, "%s", text);
    return false;
}

static const void *place(const void *section, const struct config_table_setting *s)
{
    return (const char *)section + s->offset;
}

/* Replaces a text; an empty one becomes NULL. */
static bool store_text(void *section, const struct config_table_setting *s, const char *value, char *why)
{
    char **to = (char **)(void *)((char *)section + s->offset);
    char *copy = NULL;
    if (value[0] != '\0') {
        copy = strdup(value);
        if (copy == NULL) {
            return refuse(why, "out of memory");
        }
    }
    free(*to);
    *to = copy;
    return true;
}

static bool set_int(void *section, const struct config_table_setting *s, const char *value, char *why)
{
    int64_t n;
    if (!text_parse_int(value, strlen(value), s->min, s->max, &n)) {
        (void)snprintf(why, CONFIG_VALUE_WHY, "must be a whole number from %lld to %lld, without a unit",
                       (long long)s->min, (long long)s->max);
        return false;
    }
    memcpy((char *)section + s->offset, &n, sizeof n);
    return true;
}

static bool set_bool(void *section, const struct config_table_setting *s, const char *value, char *why)
{
    size_t len = strlen(value);
    bool b;
    if (text_is_nocase(value, len, "on") || text_is_nocase(value, len, "yes")) {
        b = true;
    } else if (text_is_nocase(value, len, "off") || text_is_nocase(value, len, "no")) {
        b = false;
    } else if (!text_parse_bool(value, len, &b)) {
        return refuse(why, "must be on or off");
    }
    memcpy((char *)section + s->offset, &b, sizeof b);
    return true;
}

static bool set_choice(void *section, const struct config_table_setting *s, const char *value, char *why)
{
    _Static_assert(sizeof(enum log_level) == sizeof(unsigned), "choices are stored as unsigned");
    _Static_assert(sizeof(enum config_recall_unseen) == sizeof(unsigned), "choices are stored as unsigned");
    char list[80] = "";
    for (unsigned i = 0; s->choices[i] != NULL; i++) {
        if (strcmp(value, s->choices[i]) == 0) {
            memcpy((char *)section + s->offset, &i, sizeof i);
            return true;
        }
        size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", s->choices[i]);
    }
    (void)snprintf(why, CONFIG_VALUE_WHY, "must be one of: %s", list);
    return false;
}

/* Texts of all kinds: what is refused, then the copy. */
static bool set_text(void *section, const struct config_table_setting *s, const char *value, char *why)
{
    size_t len = strlen(value);
    bool required = s->kind == CONFIG_TABLE_KEY || s->kind == CONFIG_TABLE_SECRET ||
                    s->kind == CONFIG_TABLE_STORE || s->kind == CONFIG_TABLE_BUS;
    if (required && len == 0) {
        return refuse(why, "must not be empty");
    }
    if (len > VALUE_MAX) {
        return refuse(why, "is longer than 1024 bytes");
    }
    if (!text_utf8_valid(value, len) || text_has_control(value, len)) {
        return refuse(why, "must be UTF-8 without control characters");
    }
    if (s->kind == CONFIG_TABLE_KEY) {
        if (len > KEY_MAX) {
            return refuse(why, "is longer than 256 characters");
        }
        for (size_t i = 0; i < len; i++) {
            if (value[i] <= ' ' || value[i] > '~') {
                return refuse(why, "must be printable ASCII without blanks, because it travels in headers");
            }
        }
    }
    if (s->kind == CONFIG_TABLE_STORE && (strncmp(value, "sqlite:", 7) != 0 || len == 7) &&
        strncmp(value, "postgresql://", 13) != 0 && strncmp(value, "postgres://", 11) != 0) {
        return refuse(why, "must be sqlite:PATH or postgresql://user@host/db");
    }
    if (s->kind == CONFIG_TABLE_BUS && strcmp(value, "local") != 0 && strcmp(value, "pg") != 0 &&
        (strncmp(value, "nats://", 7) != 0 || len == 7)) {
        return refuse(why, "must be local, pg or nats://host:4222");
    }
    return store_text(section, s, value, why);
}

/* host:port, or [v6]:port. Whether the host exists is seen when listening. */
static bool set_listen(void *section, const struct config_table_setting *s, const char *value, char *why)
{
    static const char v6[] = "0123456789abcdefABCDEF:.%";
    static const char v4[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    static const char wrong[] = "must be host:port or [v6]:port, as 127.0.0.1:8080 or [::1]:0";
    struct config_server *server = section;
    const char *colon = strrchr(value, ':');
    bool brackets = value[0] == '[';
    int64_t port;
    if (colon == NULL || !text_parse_int(colon + 1, strlen(colon + 1), 0, 65535, &port) ||
        strlen(colon + 1) > 5) {
        return refuse(why, wrong);
    }
    const char *host = value + (brackets ? 1 : 0);
    const char *end = colon - (brackets ? 1 : 0);
    if (end <= host || end - host > 253 || (brackets && *end != ']') ||
        strspn(host, brackets ? v6 : v4) != (size_t)(end - host)) {
        return refuse(why, wrong);
    }
    char *copy = strndup(host, (size_t)(end - host));
    if (copy == NULL) {
        return refuse(why, "out of memory");
    }
    if (!store_text(section, s, value, why)) {
        free(copy);
        return false;
    }
    free(server->listen_host);
    server->listen_host = copy;
    server->listen_port = (uint16_t)port;
    return true;
}

static void free_origins(struct config_app *app)
{
    for (size_t i = 0; i < app->origin_count; i++) {
        free(app->origins[i]);
    }
    free(app->origins);
    app->origins = NULL;
    app->origin_count = 0;
}

static bool set_origins(void *section, const char *value, char *why)
{
    struct config_app *app = section;
    size_t count = 0;
    free_origins(app);
    for (const char *p = value + strspn(value, BLANKS); *p != '\0'; p += strspn(p, BLANKS)) {
        p += strcspn(p, BLANKS);
        count++;
    }
    if (count == 0) {
        return true;
    }
    if (count > CONFIG_ORIGINS_MAX) {
        return refuse(why, "names more than 256 origins");
    }
    app->origins = calloc(count, sizeof *app->origins);
    if (app->origins == NULL) {
        return refuse(why, "out of memory");
    }
    for (const char *p = value + strspn(value, BLANKS); *p != '\0'; p += strspn(p, BLANKS)) {
        size_t len = strcspn(p, BLANKS);
        char *origin = malloc(len + 1);
        if (origin == NULL) {
            return refuse(why, "out of memory");
        }
        if (!config_origin_normal(p, len, origin)) {
            free(origin);
            (void)snprintf(why, CONFIG_VALUE_WHY,
                           "'%.80s' is no origin: write scheme://host[:port], without a path", p);
            return false;
        }
        app->origins[app->origin_count++] = origin;
        p += len;
    }
    return true;
}

static bool set_zone(void *section, const struct config_table_setting *s, const char *value, char *why)
{
    struct config_app *app = section;
    struct zone *zone = zone_create(value);
    if (zone == NULL) {
        return refuse(
            why, "is no known time zone: write UTC, +08:00, or a name like Asia/Shanghai (package tzdata)");
    }
    if (!store_text(section, s, value, why)) {
        zone_free(zone);
        return false;
    }
    zone_free(app->time_zone);
    app->time_zone = zone;
    return true;
}

bool config_value_set(void *section, const struct config_table_setting *setting, const char *value,
                      char why[static CONFIG_VALUE_WHY])
{
    switch (setting->kind) {
    case CONFIG_TABLE_INT:
        return set_int(section, setting, value, why);
    case CONFIG_TABLE_BOOL:
        return set_bool(section, setting, value, why);
    case CONFIG_TABLE_CHOICE:
        return set_choice(section, setting, value, why);
    case CONFIG_TABLE_LISTEN:
        return set_listen(section, setting, value, why);
    case CONFIG_TABLE_ORIGINS:
        return set_origins(section, value, why);
    case CONFIG_TABLE_ZONE:
        return set_zone(section, setting, value, why);
    case CONFIG_TABLE_TEXT:
    case CONFIG_TABLE_KEY:
    case CONFIG_TABLE_SECRET:
    case CONFIG_TABLE_STORE:
    case CONFIG_TABLE_BUS:
        return set_text(section, setting, value, why);
    }
    return refuse(why, "cannot be set");
}

bool config_value_defaults(void *section, const struct config_table *table)
{
    char why[CONFIG_VALUE_WHY];
    for (size_t i = 0; i < table->count; i++) {
        const struct config_table_setting *s = &table->settings[i];
        if (s->initial != NULL && !config_value_set(section, s, s->initial, why)) {
            return false;
        }
    }
    return true;
}

void config_value_release(void *section, const struct config_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_table_setting *s = &table->settings[i];
        char **text = (char **)(void *)((char *)section + s->offset);
        switch (s->kind) {
        case CONFIG_TABLE_INT:
        case CONFIG_TABLE_BOOL:
        case CONFIG_TABLE_CHOICE:
            break;
        case CONFIG_TABLE_ORIGINS:
            free_origins(section);
            break;
        case CONFIG_TABLE_LISTEN:
            free(((struct config_server *)section)->listen_host);
            ((struct config_server *)section)->listen_host = NULL;
            free(*text);
            *text = NULL;
            break;
        case CONFIG_TABLE_ZONE:
            zone_free(((struct config_app *)section)->time_zone);
            ((struct config_app *)section)->time_zone = NULL;
            free(*text);
            *text = NULL;
            break;
        case CONFIG_TABLE_SECRET:
            if (*text != NULL) {
                explicit_bzero(*text, strlen(*text));
            }
            free(*text);
            *text = NULL;
            break;
        case CONFIG_TABLE_TEXT:
        case CONFIG_TABLE_KEY:
        case CONFIG_TABLE_STORE:
        case CONFIG_TABLE_BUS:
            free(*text);
            *text = NULL;
            break;
        }
    }
}

static bool same_origins(const struct config_app *a, const struct config_app *b)
{
    bool same = a->origin_count == b->origin_count;
    for (size_t i = 0; same && i < a->origin_count; i++) {
        same = strcmp(a->origins[i], b->origins[i]) == 0;
    }
    return same;
}

bool config_value_same(const void *a, const void *b, const struct config_table_setting *setting)
{
    const void *pa = place(a, setting);
    const void *pb = place(b, setting);
    switch (setting->kind) {
    case CONFIG_TABLE_INT:
        return memcmp(pa, pb, sizeof(int64_t)) == 0;
    case CONFIG_TABLE_BOOL:
        return *(const bool *)pa == *(const bool *)pb;
    case CONFIG_TABLE_CHOICE:
        return memcmp(pa, pb, sizeof(unsigned)) == 0;
    case CONFIG_TABLE_ORIGINS:
        return same_origins(a, b);
    case CONFIG_TABLE_LISTEN:
    case CONFIG_TABLE_ZONE:
    case CONFIG_TABLE_TEXT:
    case CONFIG_TABLE_KEY:
    case CONFIG_TABLE_SECRET:
    case CONFIG_TABLE_STORE:
    case CONFIG_TABLE_BUS:
        break;
    }
    const char *ta = *(char *const *)pa;
    const char *tb = *(char *const *)pb;
    return ta == NULL || tb == NULL ? ta == tb : strcmp(ta, tb) == 0;
}
