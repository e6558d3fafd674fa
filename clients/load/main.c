/* recall-load: loads a recalld as its users would, measures it, and checks what it promises (see README.md
 * here). */
#include "clients/load/explain.h"
#include "clients/load/prepare.h"
#include "clients/load/progress.h"
#include "clients/load/report.h"
#include "clients/load/scenario.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { EXIT_GOOD = 0, EXIT_BROKEN = 1, EXIT_UNUSABLE = 2 };

static bool is_stdout(const char *file)
{
    return strcmp(file, "-") == 0;
}

/* Writes one report to its file. */
static bool write_to(const struct report *report, const char *file,
                     bool (*write)(const struct report *, FILE *))
{
    FILE *to = is_stdout(file) ? stdout : fopen(file, "we");
    bool ok = to != NULL && write(report, to);

    if (to != NULL && to != stdout)
        ok = fclose(to) == 0 && ok;
    if (!ok)
        fprintf(stderr, "recall-load: %s cannot be written: %s\n", file, strerror(errno));
    return ok;
}

static int tell(struct run *r)
{
    const struct options *o = r->options;
    struct report report = {
        .options = o, .figures = &r->figures, .names = &r->names, .when_s = (int64_t)time(NULL)};
    const bool table_beside =
        (o->json != NULL && is_stdout(o->json)) || (o->html != NULL && is_stdout(o->html));
    bool ok = true;

    figures_end(&r->figures);
    report.limits_kept = slo_judge(&r->options->slo, &r->figures);
    report_table(&report, table_beside ? stderr : stdout);
    if (o->json != NULL)
        ok = write_to(&report, o->json, report_json);
    if (o->html != NULL)
        ok = write_to(&report, o->html, report_html) && ok;
    return !report_good(&report) ? EXIT_BROKEN : ok ? EXIT_GOOD : EXIT_UNUSABLE;
}

/* A file that cannot be written is better known before the run than behind it. */
static bool files_open(const struct options *o)
{
    const char *const files[] = {o->json, o->html};

    for (size_t i = 0; i < 2; i++) {
        FILE *f;

        if (files[i] == NULL || is_stdout(files[i]))
            continue;
        f = fopen(files[i], "ae");
        if (f == NULL) {
            fprintf(stderr, "recall-load: %s cannot be written: %s\n", files[i], strerror(errno));
            return false;
        }
        fclose(f);
    }
    return true;
}

static int run(struct options *o)
{
    static struct run r;
    int code = EXIT_UNUSABLE;
    bool ran = false;

    if (!run_open(&r, o))
        goto out;
    ran = prepare_make(&r) && scenario_run(&r);
    if (!o->keep && (r.users_made > 0 || r.rooms_made > 0)) {
        r.crowd.leaving = true;
        crowd_drop(&r.crowd, 0, r.crowd.count);
        prepare_clean(&r);
    }
    progress_end(&r);
    if (r.figures.start_ns != 0 && ran)
        code = tell(&r);
    else if (r.stopped > 0 && r.error[0] == '\0')
        run_fail(&r, "stopped before the load began; nothing was measured");
out:
    if (r.error[0] != '\0')
        fprintf(stderr, "recall-load: %s\n", r.error);
    run_close(&r);
    return code;
}

int main(int argc, char **argv)
{
    struct options options;
    char error[400];

    switch (options_read(&options, argc, argv, error, sizeof(error))) {
    case OPTIONS_HELP:
        options_help(stdout);
        return EXIT_GOOD;
    case OPTIONS_VERSION:
        puts("recall-load " RECALLD_VERSION);
        return EXIT_GOOD;
    case OPTIONS_WRONG:
        fprintf(stderr, "recall-load: %s\n", error);
        return EXIT_UNUSABLE;
    case OPTIONS_RUN:
        break;
    }
    if (!explain_limits(&options, error, sizeof(error))) {
        fprintf(stderr, "recall-load: %s\n", error);
        return EXIT_UNUSABLE;
    }
    return files_open(&options) ? run(&options) : EXIT_UNUSABLE;
}
