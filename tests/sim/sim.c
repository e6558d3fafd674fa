#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How many run_twice runs twice. */
#define SAME_SCHEDULES 200U

const char *const sim_users[SIM_USERS] = {"ann", "ben", "cho", "dan"};

static const char *const mutations[SIM_MUTATIONS] = {
    [SIM_TRUE] = "none",
    [SIM_READ_FIRST] = "read-before-register",
    [SIM_DROP_NOTICE] = "drop-notice",
    [SIM_SWAP_NOTICES] = "swap-notices",
    [SIM_FAKE_HEAD] = "page-without-erase",
    [SIM_REPEAT_PAGE] = "repeat-page",
    [SIM_HOLE_IN_PAGE] = "hole-in-page",
    [SIM_FALSE_RESET] = "false-reset",
    [SIM_MISSING_RESET] = "missing-reset",
    [SIM_BLIND_RECALL] = "tail-without-erase",
    [SIM_OLD_LEAVE] = "old-leave",
    [SIM_NO_SECOND] = "no-second",
    [SIM_EARLY_DRAIN] = "early-drain",
    [SIM_PAGE_FOR_ALL] = "page-for-everyone",
    [SIM_BLIND_AUDIENCE] = "blind-audience",
    [SIM_FAR_UPTO] = "far-upto",
};

static const char *const met[MET_COUNT] = {
    [MET_EVENTS] = "events delivered",
    [MET_BLOCKED] = "blocked sends",
    [MET_DIRECT] = "direct sends",
    [MET_TOGETHER] = "calls for several rooms",
    [MET_CUT] = "cut frames",
    [MET_ABORTED] = "ended for a recall",
    [MET_FELL_OFF] = "fell off the tail",
    [MET_ERASED_PAGES] = "pages to erase from",
    [MET_RESETS] = "resets",
    [MET_REFUSED] = "refusals",
    [MET_UNTOLD] = "refusals once live",
    [MET_JOINED] = "joins followed",
    [MET_LEFT] = "leaves followed",
    [MET_LATE] = "late messages",
    [MET_LIMITED] = "limited events",
    [MET_PASSED] = "events left out",
    [MET_SCREENS] = "screens compared",
};

/* --- chance: each step has its own, so that leaving one out changes little in the others --- */

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t sim_random(struct sim *s)
{
    s->rng += UINT64_C(0x9E3779B97F4A7C15);
    return mix(s->rng);
}

unsigned sim_pick(struct sim *s, unsigned n)
{
    return (unsigned)(((sim_random(s) >> 32) * n) >> 32);
}

bool sim_chance(struct sim *s, unsigned one_in)
{
    return one_in != 0 && sim_pick(s, one_in) == 0;
}

void sim_trace(struct sim *s, const char *format, ...)
{
    va_list args;

    if (!s->trace)
        return;
    va_start(args, format);
    (void)printf("%4u  ", s->step);
    (void)vprintf(format, args);
    (void)putchar('\n');
    va_end(args);
}

void sim_fail(struct sim *s, const char *kind, const char *format, ...)
{
    va_list args;

    if (s->failure.failed)
        return;
    s->failure.failed = true;
    s->failure.step = s->step;
    (void)snprintf(s->failure.kind, sizeof(s->failure.kind), "%s", kind);
    va_start(args, format);
    (void)vsnprintf(s->failure.text, sizeof(s->failure.text), format, args);
    va_end(args);
    for (char *p = s->failure.text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
            *p = '.';
    sim_trace(s, "BROKEN (%s): %s", kind, s->failure.text);
}

/* --- schedules --- */

static void run_schedule(struct sim *s, uint64_t seed)
{
    s->failure.failed = false;
    s->rng = mix(seed);
    s->step = 0;
    world_begin(s);
    step_choose_weights(s);
    if (!sim_chance(s, 4))
        step_arrive(s);
    if (sim_chance(s, 2)) {
        check_settle(s); /* all live from the beginning */
        s->calm = false;
    }
    for (s->step = 1; s->step <= s->steps && !s->failure.failed; s->step++) {
        if (s->skip != NULL && s->skip[s->step])
            continue;
        s->rng = mix(seed ^ mix(s->step));
        step_run(s);
    }
    if (!s->failure.failed) {
        s->rng = mix(~seed);
        command_commit(s);
        check_settle(s);
    }
    if (!s->failure.failed)
        check_end(s);
    world_end(s);
}

/* Leaves out what the failure does not need, and shows the rest. */
static void report(struct sim *s, uint64_t seed)
{
    bool *skip = calloc(s->steps + 1, sizeof(*skip));
    const struct sim_failure failure = s->failure;
    unsigned left = 0;
    bool less = true;

    (void)printf("\nseed %llu, step %u: %s: %s\n", (unsigned long long)seed, failure.step, failure.kind,
                 failure.text);
    if (skip == NULL)
        return;
    s->skip = skip;
    while (less) {
        less = false;
        for (unsigned i = s->steps; i > 0; i--) {
            if (skip[i])
                continue;
            skip[i] = true;
            run_schedule(s, seed);
            if (s->failure.failed && strcmp(s->failure.kind, failure.kind) == 0)
                less = true;
            else
                skip[i] = false;
        }
    }
    for (unsigned i = 1; i <= s->steps; i++)
        left += !skip[i];
    (void)printf("with %u of its %u steps:\n", left, s->steps);
    s->trace = true;
    run_schedule(s, seed);
    s->trace = false;
    s->skip = NULL;
    free(skip);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* True: no schedule failed. */
static bool run_all(struct sim *s, uint64_t schedules)
{
    const double since = seconds();
    uint64_t i;

    for (i = 0; i < schedules; i++) {
        run_schedule(s, s->seed + i);
        if (s->failure.failed)
            break;
    }
    (void)printf("%llu schedules of %u steps from seed %llu, mutation %s: %s (%.1f s)\n",
                 (unsigned long long)(i < schedules ? i + 1 : i), s->steps, (unsigned long long)s->seed,
                 mutations[s->mutation], i < schedules ? "FAILED" : "nothing broken", seconds() - since);
    for (int m = 0; m < MET_COUNT; m++)
        (void)printf("%s%s %llu", m == 0 ? "met: " : ", ", met[m], (unsigned long long)s->met[m]);
    (void)putchar('\n');
    if (i < schedules)
        report(s, s->seed + i);
    return i == schedules;
}

/* --- the command line --- */

static int usage(void)
{
    (void)fprintf(stderr, "sim [--seed N] [--schedules N] [--steps N] [--mutation NAME|all]\nmutations:");
    for (int i = 1; i < SIM_MUTATIONS; i++)
        (void)fprintf(stderr, " %s", mutations[i]);
    (void)fputc('\n', stderr);
    return 2;
}

/* The same seed must give the same run. */
static bool run_twice(struct sim *s)
{
    uint64_t digests[2];

    for (int i = 0; i < 2; i++) {
        s->digest = 0;
        for (uint64_t n = 0; n < SAME_SCHEDULES; n++)
            run_schedule(s, s->seed + n);
        digests[i] = s->digest;
    }
    (void)printf("%u schedules twice: %s\n", SAME_SCHEDULES,
                 digests[0] == digests[1] ? "the same bytes" : "DIFFERENT BYTES");
    return digests[0] == digests[1];
}

/* Every mutation must be found: the test of the test. */
static bool run_mutations(struct sim *s, uint64_t schedules)
{
    bool all = run_twice(s);

    for (int m = 1; m < SIM_MUTATIONS; m++) {
        uint64_t i = 0;

        s->mutation = (enum sim_mutation)m;
        s->failure.failed = false;
        while (i < schedules && !s->failure.failed)
            run_schedule(s, s->seed + i++);
        if (s->failure.failed)
            (void)printf("%-22s found after %5llu schedules: %s\n", mutations[m], (unsigned long long)i,
                         s->failure.kind);
        else
            (void)printf("%-22s NOT FOUND in %llu schedules\n", mutations[m], (unsigned long long)i);
        all = all && s->failure.failed;
    }
    return all;
}

int main(int argc, char **argv)
{
    struct sim *s = calloc(1, sizeof(*s));
    uint64_t schedules = 1000;
    bool every = false, good;

    if (s == NULL)
        return 1;
    s->seed = 1;
    s->steps = 60;
    for (int i = 1; i < argc; i += 2) {
        const char *value = argv[i + 1]; /* argv ends with NULL */
        int m = 1;

        if (value == NULL)
            return usage();
        if (strcmp(argv[i], "--seed") == 0)
            s->seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--schedules") == 0)
            schedules = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--steps") == 0)
            s->steps = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--mutation") != 0)
            return usage();
        else if (strcmp(value, "all") == 0)
            every = true;
        else {
            while (m < SIM_MUTATIONS && strcmp(value, mutations[m]) != 0)
                m++;
            if (m == SIM_MUTATIONS)
                return usage();
            s->mutation = (enum sim_mutation)m;
        }
    }
    good = world_open(s) && (every ? run_mutations(s, schedules) : run_all(s, schedules));
    world_close(s);
    free(s);
    return good ? 0 : 1;
}
