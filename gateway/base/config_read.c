#include "base/config_build.h"
#include "base/text.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

/* The walk through one file. */
struct reading {
    struct config_build *build;
    FILE *file;
    char *line; /* getline's */
    size_t cap;
    int number; /* of the line that inih is given */
    bool in_server;
    bool seen_server;
    size_t app; /* its index, or SIZE_MAX */
};

/* Blanks at either end off, in place. */
static char *trim(char *s)
{
    s += strspn(s, " \t\r\n");
    size_t len = strlen(s);
    while (len > 0 && strchr(" \t\r\n", s[len - 1]) != NULL) {
        s[--len] = '\0';
    }
    return s;
}

static void unknown_section(struct reading *r, const char *name)
{
    char word[64];
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(name, " \t"), name);
    bool app = config_table_distance(word, "app") < config_table_distance(word, "server");
    config_build_fail(r->build, "%s:%d: [%.60s]: unknown section; the nearest is [%s]", r->build->path,
                      r->number, name, app ? "app NAME" : "server");
}

/* A heading. inih tells of a section only with its first setting and cuts long names, so headings are read
 * here. */
static void enter_section(struct reading *r, const char *heading)
{
    char name[128];
    const char *end = strchr(heading, ']');
    r->in_server = false;
    r->app = SIZE_MAX;
    if (end == NULL || end - heading > (ptrdiff_t)sizeof name) {
        config_build_fail(r->build, "%s:%d: a section is written [server] or [app NAME]", r->build->path,
                          r->number);
        return;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - heading - 1), heading + 1);
    char *trimmed = trim(name);
    if (strcmp(trimmed, "server") == 0) {
        if (r->seen_server) {
            config_build_fail(r->build, "%s:%d: [server]: this section is there twice", r->build->path,
                              r->number);
        }
        r->in_server = true;
        r->seen_server = true;
        r->build->server.section = r->number;
    } else if (strncmp(trimmed, "app", 3) == 0 && (trimmed[3] == ' ' || trimmed[3] == '\t')) {
        const struct config_app *app = config_build_app(r->build, trim(trimmed + 3), r->number);
        r->app = app != NULL ? app->index : SIZE_MAX;
    } else {
        unknown_section(r, trimmed);
    }
}

/* inih's reader: one whole line at a time, counted and checked. Leading blanks go, because inih would take an
 * indented line for the continuation of the one before. */
static char *next_line(char *out, int cap, void *stream)
{
    struct reading *r = stream;
    if (r->build->failed) {
        return NULL;
    }
    ssize_t n = getline(&r->line, &r->cap, r->file);
    if (n < 0) {
        if (ferror(r->file)) {
            config_build_fail(r->build, "%s: %s", r->build->path, strerror(errno));
        }
        return NULL;
    }
    r->number++;
    size_t len = (size_t)n;
    char *start = r->line;
    if (r->number == 1 && len >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0) {
        start += 3;
        len -= 3;
    }
    if (memchr(start, '\0', len) != NULL || !text_utf8_valid(start, len)) {
        config_build_fail(r->build, "%s:%d: this line is not UTF-8 text", r->build->path, r->number);
        return NULL;
    }
    start = trim(start);
    len = strlen(start);
    if (len > CONFIG_LINE_MAX || len + 2 > (size_t)cap) {
        config_build_fail(r->build, "%s:%d: this line is longer than %d bytes", r->build->path, r->number,
                          CONFIG_LINE_MAX);
        return NULL;
    }
    if (start[0] == '[') {
        enter_section(r, start);
    }
    (void)snprintf(out, (size_t)cap, "%s\n", start);
    return out;
}

static int take_setting(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    (void)section;
    if (r->build->failed) {
        return 0;
    }
    if (r->in_server) {
        config_build_set(r->build, NULL, name, value, r->number);
    } else if (r->app != SIZE_MAX) {
        config_build_set(r->build, &r->build->config->apps[r->app], name, value, r->number);
    } else {
        config_build_fail(r->build,
                          "%s:%d: %.60s: a setting before any section: [server] or [app NAME] comes first",
                          r->build->path, r->number, name);
    }
    return r->build->failed ? 0 : 1;
}

void config_read_file(struct config_build *b)
{
    struct reading r = {.build = b, .app = SIZE_MAX};
    r.file = fopen(b->path, "re");
    if (r.file == NULL) {
        config_build_fail(b, "%s: %s", b->path, strerror(errno));
        return;
    }
    /* The library's own switches: lines on the heap and as long as we allow, '#' comments behind a value too.
     */
    static char comments[] = "#;";
    ini_use_stack = false;
    ini_max_line = CONFIG_LINE_MAX + 3;
    ini_initial_alloc = CONFIG_LINE_MAX + 3;
    ini_allow_multiline = false;
    ini_inline_comment_prefixes = comments;
    int line = ini_parse_stream(next_line, &r, take_setting, &r);
    if (line > 0) {
        config_build_fail(b, "%s:%d: neither a [section] nor name = value", b->path, line);
    } else if (line < 0) {
        config_build_fail(b, "%s: out of memory", b->path);
    }
    free(r.line);
    (void)fclose(r.file);
}
