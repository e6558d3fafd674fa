#include "base/config.h"

#include "base/config_build.h"

#include <stdlib.h>
#include <string.h>

/* The app of --demo, as the documentation prints it. */
static const char demo_name[] = "SampleApp";
static const char *const demo_settings[][2] = {
    {"client_key", "demo-client-key"}, {"api_key", "demo-api-key"},           {"app_key", "demo-app-key"},
    {"app_secret", "demo-app-secret"}, {"token_secret", "demo-token-secret"},
};

static void destroy(struct config *config)
{
    if (config->release != NULL) {
        config->release(config);
    }
    config_value_release(&config->server, &config_table_server);
    for (size_t i = 0; i < config->app_count; i++) {
        config_value_release(&config->apps[i], &config_table_app);
        free(config->apps[i].name);
    }
    free(config->apps);
    free(config);
}

static void add_demo_app(struct config_build *b)
{
    struct config_app *app = config_build_app(b, demo_name, 0);
    for (size_t i = 0; app != NULL && i < sizeof demo_settings / sizeof demo_settings[0]; i++) {
        config_build_set(b, app, demo_settings[i][0], demo_settings[i][1], 0);
    }
}

struct config *config_load(const char *path, bool demo, char *const *env, struct config_error *err)
{
    struct config_build b = {.err = err, .path = path};
    err->text[0] = '\0';
    if (demo && path != NULL) {
        config_build_fail(&b, "--demo brings its own configuration: leave -c FILE out");
        return NULL;
    }
    b.config = calloc(1, sizeof *b.config);
    if (b.config == NULL) {
        config_build_fail(&b, "out of memory");
        return NULL;
    }
    atomic_init(&b.config->references, 1);
    b.config->demo = demo;
    if (!config_value_defaults(&b.config->server, &config_table_server)) {
        config_build_fail(&b, "out of memory");
    }
    if (demo) {
        add_demo_app(&b);
    }
    if (path != NULL) {
        config_read_file(&b);
    }
    if (!b.failed) {
        config_env_apply(&b, env);
    }
    if (!b.failed) {
        config_build_check(&b);
    }
    config_build_free(&b);
    if (b.failed) {
        destroy(b.config);
        return NULL;
    }
    return b.config;
}

struct config *config_demo(char *const *env, struct config_error *err)
{
    return config_load(NULL, true, env, err);
}

/* The count is the one member that changes after publication, so taking a reference looks constant from
 * outside. */
static struct config *counted(const struct config *config)
{
    return (struct config *)(uintptr_t)config;
}

const struct config *config_ref(const struct config *config)
{
    (void)atomic_fetch_add_explicit(&counted(config)->references, 1, memory_order_relaxed);
    return config;
}

void config_unref(const struct config *config)
{
    if (config == NULL) {
        return;
    }
    struct config *mine = counted(config);
    if (atomic_fetch_sub_explicit(&mine->references, 1, memory_order_acq_rel) == 1) {
        destroy(mine);
    }
}

size_t config_restart_needed(const struct config *was, const struct config *is, char *out, size_t cap)
{
    size_t n = 0;
    size_t used = 0;
    if (cap > 0) {
        out[0] = '\0';
    }
    for (size_t i = 0; i < config_table_server.count; i++) {
        const struct config_table_setting *s = &config_table_server.settings[i];
        if (s->live || config_value_same(&was->server, &is->server, s)) {
            continue;
        }
        if (used < cap) {
            int wrote = snprintf(out + used, cap - used, "%s%s", n > 0 ? ", " : "", s->name);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
        n++;
    }
    return n;
}

static void print_table(FILE *to, const struct config_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_table_setting *s = &table->settings[i];
        char initial[64] = "";
        if (s->initial != NULL) {
            (void)snprintf(initial, sizeof initial, "%s", s->initial);
        }
        (void)fprintf(to, "  %-27s %-24s %s", s->name, initial[0] != '\0' ? initial : "-", s->help);
        if (s->kind == CONFIG_TABLE_INT) {
            (void)fprintf(to, " [%lld to %lld]", (long long)s->min, (long long)s->max);
        }
        for (size_t j = 0; s->choices != NULL && s->choices[j] != NULL; j++) {
            (void)fprintf(to, "%s%s", j == 0 ? " [" : ", ", s->choices[j]);
        }
        (void)fprintf(to, "%s%s\n", s->choices != NULL ? "]" : "", s->live ? "" : " (at start)");
    }
}

void config_print_help(FILE *to)
{
    (void)fprintf(to, "Settings: name, default, meaning. SIGHUP applies all but those marked (at start).\n");
    (void)fprintf(to, "\n[server]   environment: RECALLD_SERVER_<SETTING>\n");
    print_table(to, &config_table_server);
    (void)fprintf(
        to, "\n[app NAME]   environment: RECALLD_APP_<NAME>_<SETTING>, in upper case, other signs as _\n");
    print_table(to, &config_table_app);
}
