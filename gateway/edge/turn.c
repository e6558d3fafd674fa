#include "edge/turn.h"

#include "api/session.h"
#include "base/log.h"
#include "edge/http.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAIL_BATCH 512
#define LATER_BATCH 8 /* newcomers' mails between two looks at the clock */
#define LONG_MS 2     /* a turn that took so long was long; of whole ms, so it may have been one */
#define LONG_COUNTS_MS 100

/*
 * Waking by an eventfd of our own. A uv_async_t marks itself busy around the write that wakes (libuv 1.44.2, src/unix/async.c,
 * uv_async_send), and the thread that wakes up waits, spinning, until the mark is gone: where both share a core it has just taken the core away
 * from the one that it waits for, and each wake costs some 50 us. A mailbox wakes only when it was empty, so no mark is needed.
 */
static void wake(int fd)
{
    const uint64_t one = 1;

    while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue; /* it cannot be full: it is read at each wake */
}

static void woken(int fd)
{
    uint64_t times;

    while (read(fd, &times, sizeof(times)) < 0 && errno == EINTR)
        continue;
}

/* The mailboxes': any thread. */
static void wake_mail(void *arg)
{
    wake(((struct edge_thread *)arg)->mail_fd);
}

static void wake_later(void *arg)
{
    wake(((struct edge_thread *)arg)->later_fd);
}

/* Only there to keep the poll from blocking while something waits for the next turn. */
static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void go_on(struct edge_thread *t)
{
    if (!t->stopping)
        uv_idle_start(&t->idle, on_idle);
}

void turn_wake(void *arg)
{
    struct edge_thread *t = arg;

    if (t->turn_waiting || t->stopping)
        return;
    t->turn_waiting = true;
    go_on(t);
}

/* In the calls' loop. */
static void on_mail(uv_poll_t *poll, int status, int events)
{
    struct edge_thread *t = poll->loop->data;

    (void)status;
    (void)events;
    woken(t->mail_fd);
    thread_now(t);
    if (t->api != NULL)
        session_mail(t->api, MAIL_BATCH);
    if (t->turn_held)
        turn_wake(t);
}

static void on_later(uv_poll_t *poll, int status, int events)
{
    struct edge_thread *t = poll->loop->data;

    (void)status;
    (void)events;
    woken(t->later_fd);
    t->later_waiting = true; /* delivered at the turn's end */
}

/* Never inside itself: a connection that closes meanwhile is freed at the end of the run, when nobody looks at it any more. */
static void run_calls(struct edge_thread *t)
{
    if (t->calls_run)
        return;
    t->calls_run = true;
    uv_run(&t->calls, UV_RUN_NOWAIT);
    t->calls_run = false;
}

static void on_calls(uv_poll_t *poll, int status, int events)
{
    struct edge_thread *t = poll->loop->data;

    (void)status;
    (void)events;
    run_calls(t);
}

static void on_held(uv_timer_t *timer)
{
    turn_wake(timer->loop->data);
}

/* The next slices of the fan-out. */
static void fan_out(struct edge_thread *t)
{
    enum hub_left left;

    thread_now(t);
    /* Cleared before, so that a wake meanwhile is not lost. */
    t->turn_waiting = false;
    left = session_turn(t->api);
    t->turn_held = left == HUB_HELD;
    if (left == HUB_MORE)
        t->turn_waiting = true;
    if (left == HUB_HELD && !t->stopping && !uv_is_active((uv_handle_t *)&t->held))
        uv_timer_start(&t->held, on_held, 1, 0);
}

/* What came home for newcomers, as much as a turn has time for. */
static void deliver_later(struct edge_thread *t)
{
    const uint64_t until = uv_hrtime() + TURN_LATER_NS;
    size_t n;

    thread_now(t);
    do
        n = session_mail_later(t->api, LATER_BATCH);
    while (n == LATER_BATCH && uv_hrtime() < until);
    t->later_waiting = n == LATER_BATCH;
}

void turn_breathe(struct edge_thread *t)
{
    const uint64_t began = uv_now(&t->loop) * 1000000; /* of this poll */
    const uint64_t since = t->breath_ns > began ? t->breath_ns : began;

    if (uv_hrtime() < since + TURN_BREATH_NS || t->breathing || t->calls_run || t->opening != NULL || t->stopping)
        return;
    t->breathing = true;
    store_wake(t->gateway->store);
    run_calls(t);
    if (t->turn_waiting)
        fan_out(t);
    store_wake(t->gateway->store);
    (void)sched_yield(); /* who shares the core with this thread and was woken would else wait for the kernel's next tick, up to 4 ms */
    t->breathing = false;
    t->breath_ns = uv_hrtime();
}

bool turn_long(const struct edge_thread *t)
{
    return t->live && t->long_turn_ms != 0 && t->now_ms - t->long_turn_ms < LONG_COUNTS_MS;
}

/* The loop's time is that of the end of the poll. */
static void note_turn(struct edge_thread *t)
{
    const int64_t now = (int64_t)(uv_hrtime() / 1000000);

    if (now - (int64_t)uv_now(&t->loop) >= LONG_MS)
        t->long_turn_ms = thread_now(t);
}

/*
 * Requests that were sent together arrive one after the other, and the first are read before the last are there. A writer that is woken for those
 * needs a commit for them and another one for the rest; on a core that it shares with this thread it even keeps the rest from being read. So where
 * more than one came lately, the sockets are looked at once more, without waiting, for as long as each look brings jobs and nothing is to be sent:
 * for TURN_GATHER_NS, or until enough are there for a commit, for which the writer was woken already. A lone caller's job waits for one look at
 * most, and only if others came before it; and not even that where newcomers make turns long. A room that is held waits for these very jobs.
 */
static bool look_again(struct edge_thread *t)
{
    unsigned n;

    if (t->turn_waiting || t->later_waiting || t->stopping || t->api == NULL || turn_long(t))
        return false;
    n = store_gathered(t->gateway->store);
    if (n == 0)
        return false; /* none, or the writer is at work */
    if (n > 1)
        t->gathers = true;
    if (!t->gathers || n <= t->gathered || n >= STORE_TOGETHER) {
        t->gathers = n > 1;
        return false;
    }
    if (t->gathered == 0)
        t->gather_ns = uv_hrtime();
    else if (uv_hrtime() >= t->gather_ns + TURN_GATHER_NS)
        return false;
    t->gathered = n;
    return true;
}

/* At a turn's end: the writer and the readers get to know what the turn had for them. */
static void wake_store(struct edge_thread *t)
{
    if (look_again(t)) {
        store_wake_readers(t->gateway->store);
        go_on(t);
        return;
    }
    t->gathered = 0;
    store_wake(t->gateway->store);
}

/* Before the loop waits: the timers may have left something to write, or a call's connection closed. And the turn's lines are written. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct edge_thread *t = prepare->loop->data;

    if (t->upgrades != 0)
        http_upgrade_all(t); /* the timers may have drawn breath */
    if (uv_backend_timeout(&t->calls) == 0)
        run_calls(t);
    if (t->gathered == 0) /* else the poll does not wait */
        store_wake(t->gateway->store);
    log_flush();
}

static void on_check(uv_check_t *check)
{
    struct edge_thread *t = check->loop->data;

    wake_store(t);
    note_turn(t);
    http_bury(t);
    if (t->api == NULL)
        return;
    if (t->turn_waiting)
        fan_out(t);
    if (t->later_waiting)
        deliver_later(t);
    if (t->upgrades != 0)
        http_upgrade_all(t);
    if (!t->turn_waiting && !t->later_waiting && t->gathered == 0)
        uv_idle_stop(&t->idle);
    else
        go_on(t);
}

/* --- life --- */

bool turn_init(struct edge_thread *t, size_t mailbox_limit, char *error, size_t n)
{
    t->mail_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->later_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->mail_fd < 0 || t->later_fd < 0 || uv_loop_init(&t->calls) != 0) {
        snprintf(error, n, "cannot make an event loop for the calls: %s", strerror(errno));
        close(t->mail_fd);
        close(t->later_fd);
        return false;
    }
    t->calls.data = t;
    t->calls_made = true;
    uv_poll_init(&t->calls, &t->mail, t->mail_fd);
    uv_poll_init(&t->loop, &t->later_mail, t->later_fd);
    uv_poll_init(&t->loop, &t->calls_ready, uv_backend_fd(&t->calls));
    uv_check_init(&t->loop, &t->check);
    uv_prepare_init(&t->loop, &t->prepare);
    uv_idle_init(&t->loop, &t->idle);
    uv_timer_init(&t->loop, &t->held);
    t->mailbox = mailbox_create(mailbox_limit, wake_mail, t);
    t->later = mailbox_create(mailbox_limit, wake_later, t);
    if (t->mailbox != NULL && t->later != NULL)
        return true;
    snprintf(error, n, "out of memory");
    return false;
}

void turn_start(struct edge_thread *t)
{
    uv_check_start(&t->check, on_check);
    uv_prepare_start(&t->prepare, on_prepare);
    uv_poll_start(&t->mail, UV_READABLE, on_mail);
    uv_poll_start(&t->later_mail, UV_READABLE, on_later);
    uv_poll_start(&t->calls_ready, UV_READABLE, on_calls);
    uv_run(&t->calls, UV_RUN_NOWAIT); /* its own handles are watched from its first turn on */
}

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void turn_stop(struct edge_thread *t)
{
    if (!t->calls_made)
        return;
    close_handle(&t->mail);
    close_handle(&t->later_mail);
    close_handle(&t->calls_ready);
    close_handle(&t->check);
    close_handle(&t->prepare);
    close_handle(&t->idle);
    close_handle(&t->held);
}

void turn_end(struct edge_thread *t)
{
    if (t->calls_made)
        uv_run(&t->calls, UV_RUN_DEFAULT);
}

void turn_free(struct edge_thread *t)
{
    if (t->calls_made && uv_loop_close(&t->calls) != 0)
        log_error("edge.loop", LOG_TEXT("error", "handles of calls were left open"), LOG_END);
    if (t->calls_made) {
        close(t->mail_fd);
        close(t->later_fd);
    }
    mailbox_free(t->mailbox);
    mailbox_free(t->later);
}
