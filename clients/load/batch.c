#include "clients/load/batch.h"

#include "clients/load/explain.h"

#include <stdlib.h>

#define AT_ONCE     64U
#define PATIENCE_NS INT64_C(60000000000)
#define CLEANING_NS INT64_C(30000000000)

struct running {
    struct run *run;
    const struct batch *batch;
    uint32_t *again; /* calls to be made again */
    uint32_t again_count, next, open, most;
    int64_t pause_until_ns, since_ns;
    bool failed;
    char error[320];
};

static void on_answer(void *arg, uint64_t tag, const struct caller_answer *a)
{
    struct running *b = arg;
    const uint32_t i = (uint32_t)tag;
    const int64_t now = (int64_t)uv_hrtime();

    b->open--;
    if ((a->status == 429 || a->status == 503) && now - b->since_ns < PATIENCE_NS) {
        const int wait_s = a->retry_after_s < 1 ? 1 : a->retry_after_s > 10 ? 10 : a->retry_after_s;

        b->again[b->again_count++] = i;
        b->pause_until_ns = now + (int64_t)wait_s * 1000000000;
        return;
    }
    if (a->status == 200 ? b->batch->took == NULL || b->batch->took(b->run, i, a)
                         : a->status == 404 && b->batch->cleaning)
        return;
    b->failed = true;
    if (b->error[0] != '\0')
        return;
    if (a->status == 0 && b->run->caller.connect_error != 0)
        explain_connect(b->run->options, b->run->caller.connect_error, b->error, sizeof(b->error));
    else if (a->status == 200)
        snprintf(b->error, sizeof(b->error), "cannot %s: the answer is not a recalld's", b->batch->what);
    else
        explain_answer(b->run->options, b->batch->what, a, b->error, sizeof(b->error));
}

static bool ask_next(struct running *b)
{
    const uint32_t i = b->again_count > 0 ? b->again[--b->again_count] : b->next++;
    struct batch_call call = {.method = "POST"};
    bool ok = b->batch->call(b->run, i, &call);

    ok = ok && caller_ask(&b->run->caller, call.method, call.path, NULL, call.body != NULL ? call.body : "",
                          call.len, on_answer, b, i);
    free(call.body);
    b->open += ok;
    if (!ok) {
        b->failed = true;
        snprintf(b->error, sizeof(b->error), "out of memory");
    }
    return ok;
}

/* A call that fails at once is told within ask_next, before it is counted as open. */
static void fill(struct running *b)
{
    while (!(b->failed && !b->batch->cleaning) && b->open < b->most &&
           (b->again_count > 0 || b->next < b->batch->count) && (int64_t)uv_hrtime() >= b->pause_until_ns) {
        if (!ask_next(b))
            return;
    }
}

bool batch_run(struct run *r, const struct batch *batch)
{
    struct running b = {.run = r, .batch = batch, .since_ns = (int64_t)uv_hrtime()};

    b.most = r->options->in_flight < AT_ONCE ? r->options->in_flight : AT_ONCE;
    b.again = calloc((size_t)batch->count + 1, sizeof(*b.again));
    if (b.again == NULL) {
        run_fail(r, "out of memory");
        return false;
    }
    while (b.open > 0 || ((b.again_count > 0 || b.next < batch->count) && !(b.failed && !batch->cleaning))) {
        const bool late = batch->cleaning && (int64_t)uv_hrtime() - b.since_ns > CLEANING_NS;

        if ((batch->cleaning ? r->stopped > 1 || late : run_over(r)) && b.open == 0)
            break;
        if (batch->cleaning ? r->stopped <= 1 && !late : !run_over(r))
            fill(&b);
        uv_run(&r->loop, UV_RUN_ONCE);
        if (b.open > 0 && r->stopped > 1)
            break;
    }
    if (b.open > 0) { /* nobody is left whom they could be told */
        caller_close(&r->caller);
        (void)caller_init(&r->caller, &r->crowd.poller, r->options, r->options->in_flight);
    }
    if (b.failed && !batch->cleaning)
        run_fail(r, "%s", b.error);
    else if (b.failed)
        fprintf(stderr, "recall-load: cleaning up: %s\n", b.error);
    free(b.again);
    return !b.failed && (batch->cleaning || !run_over(r));
}
