#include "live.h"

#include "server.h"
#include "swarm.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ASKERS      64U    /* messages under way */
#define TIMER       ASKERS /* the timer's tag */
#define DUE_RING    4096U  /* messages that are due and could not be asked for yet */
#define LIVE_NET    200U   /* source addresses that no other crowd uses */
#define PREFERENCE  (-10)  /* nice value */
#define LOST_NS     INT64_C(10000000000)
#define PATIENCE_NS INT64_C(30000000000)
#define STAMP       "\"message\":\"@" /* before phase and time, in the frame and in the request */

struct live_board {
    _Atomic int phase; /* LIVE_PHASES: end */
    _Atomic bool ready, done;
    bool ok;
    char error[200];
    struct live_result result;
};

struct asker {
    int fd;
    bool busy;
    char answer[4096];
    size_t len;
};

struct beat {
    const struct live_start *how;
    struct live_board *board;
    struct swarm swarm;
    struct asker askers[ASKERS];
    unsigned turn; /* the asker that is tried first: each is used in turn, so that none is ended as idle */
    int timer;
    int64_t start_ns, interval_ns;
    uint64_t due, asked, answered;
    unsigned char phase_of[DUE_RING]; /* of message n, at n % DUE_RING */
    uint32_t *took_us[LIVE_PHASES];
};

/* --- in the process: asking --- */

static bool open_asker(struct beat *b, unsigned i)
{
    struct asker *a = &b->askers[i];
    const int one = 1;

    a->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a->busy = false;
    a->len = 0;
    if (a->fd >= 0 && connect(a->fd, (const struct sockaddr *)&b->how->at, sizeof(b->how->at)) == 0 &&
        setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0 &&
        swarm_watch(&b->swarm, a->fd, SWARM_OTHER | i))
        return true;
    swarm_fail(&b->swarm, "cannot reach the server: %s", strerror(errno));
    return false;
}

static void ask(struct beat *b, struct asker *a)
{
    const int64_t due_ns = b->start_ns + (int64_t)b->asked * b->interval_ns;
    const int phase = b->phase_of[b->asked % DUE_RING];
    char body[160], text[512];
    int n = snprintf(body, sizeof(body),
                     "{" STAMP "%c %lld The quick brown fox jumps over the lazy dog\","
                     "\"messageType\":\"text\"}",
                     'a' + phase, (long long)due_ns);

    n = snprintf(text, sizeof(text),
                 "POST /rooms/%s/message HTTP/1.1\r\nHost: bench\r\nIM-API-KEY: " SETUP_API_KEY
                 "\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                 b->how->room, n, body);
    if (send(a->fd, text, (size_t)n, MSG_NOSIGNAL) != n) {
        swarm_fail(&b->swarm, "cannot ask for an event: %s", strerror(errno));
        return;
    }
    a->busy = true;
    b->asked++;
    b->board->result.phase[phase].events++;
}

static void ask_due(struct beat *b)
{
    for (unsigned tried = 0; b->asked < b->due && tried < ASKERS && !b->swarm.broken; tried++) {
        struct asker *a = &b->askers[b->turn];

        if (a->fd < 0 && !open_asker(b, b->turn))
            return;
        b->turn = (b->turn + 1) % ASKERS;
        if (!a->busy)
            ask(b, a);
    }
}

static void on_answer(struct beat *b, struct asker *a)
{
    const ssize_t got = recv(a->fd, a->answer + a->len, sizeof(a->answer) - 1 - a->len, MSG_DONTWAIT);
    const char *length, *end;

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        if (a->busy)
            swarm_fail(&b->swarm, "the server ended the connection that asks for events");
        close(a->fd);
        a->fd = -1;
        return;
    }
    a->len += (size_t)got;
    a->answer[a->len] = '\0';
    end = strstr(a->answer, "\r\n\r\n");
    length = strcasestr(a->answer, "\r\nContent-Length:");
    if (end == NULL || length == NULL ||
        a->len < (size_t)(end + 4 - a->answer) + strtoul(length + 17, NULL, 10))
        return;
    if (strncmp(a->answer, "HTTP/1.1 200 ", 13) != 0)
        swarm_fail(&b->swarm, "a message was answered: %.120s", end + 4);
    a->len = 0;
    a->busy = false;
    b->answered++;
}

static void on_timer(struct beat *b)
{
    const int phase = atomic_load(&b->board->phase);
    uint64_t expired = 0;

    if (read(b->timer, &expired, sizeof(expired)) != sizeof(expired) || phase == LIVE_PHASES)
        return;
    if (phase == LIVE_SILENT && b->asked == b->due) {
        b->start_ns += (int64_t)expired * b->interval_ns; /* the others become due so much later */
        return;
    }
    for (; expired > 0; expired--)
        b->phase_of[b->due++ % DUE_RING] = (unsigned char)(phase == LIVE_SILENT ? LIVE_REST : phase);
    if (b->due - b->asked > DUE_RING)
        swarm_fail(&b->swarm, "the server is %u messages behind", DUE_RING);
}

static void on_other(void *arg, uint64_t tag)
{
    struct beat *b = arg;

    if (tag == TIMER)
        on_timer(b);
    else
        on_answer(b, &b->askers[tag]);
}

/* --- in the process: receiving --- */

static void on_event(void *arg, const unsigned char *p, size_t n)
{
    const int64_t now = server_now_ns();
    struct beat *b = arg;
    const unsigned char *at = memmem(p, n, STAMP, sizeof(STAMP) - 1);
    struct live_figures *f;
    int64_t due_ns = 0;
    unsigned phase;

    if (at == NULL || p + n - at < (ptrdiff_t)sizeof(STAMP) + 24) {
        swarm_fail(&b->swarm, "an event without a time");
        return;
    }
    at += sizeof(STAMP) - 1;
    phase = (unsigned)(at[0] - 'a');
    for (at += 2; at < p + n && *at >= '0' && *at <= '9'; at++)
        due_ns = due_ns * 10 + (*at - '0');
    if (phase >= LIVE_PHASES) {
        swarm_fail(&b->swarm, "an event of no phase");
        return;
    }
    f = &b->board->result.phase[phase];
    if (f->deliveries < LIVE_SAMPLES)
        b->took_us[phase][f->deliveries] = (uint32_t)((now - due_ns) / 1000);
    f->deliveries++;
}

static int compare(const void *a, const void *b)
{
    uint32_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static void summarize(struct beat *b)
{
    for (int i = 0; i < LIVE_PHASES; i++) {
        struct live_figures *f = &b->board->result.phase[i];
        const size_t n = f->deliveries < LIVE_SAMPLES ? f->deliveries : LIVE_SAMPLES;

        if (n == 0)
            continue;
        qsort(b->took_us[i], n, sizeof(uint32_t), compare);
        f->p50_ns = (int64_t)b->took_us[i][n / 2] * 1000;
        f->p99_ns = (int64_t)b->took_us[i][n * 99 / 100] * 1000;
        f->most_ns = (int64_t)b->took_us[i][n - 1] * 1000;
    }
}

static bool prepare(struct beat *b, const struct swarm_target *target)
{
    b->interval_ns = 1000000000 / b->how->per_second;
    for (unsigned i = 0; i < ASKERS; i++)
        b->askers[i].fd = -1;
    for (int i = 0; i < LIVE_PHASES; i++) {
        b->took_us[i] = calloc(LIVE_SAMPLES, sizeof(uint32_t));
        if (b->took_us[i] == NULL)
            return false;
    }
    if (!swarm_init(&b->swarm, target, (uint32_t)b->how->users->count))
        return false;
    b->swarm.other = on_other;
    b->swarm.event = on_event;
    b->swarm.arg = b;
    return swarm_grow(&b->swarm, b->swarm.most);
}

static bool start_timer(struct beat *b)
{
    struct itimerspec when;
    int64_t first;

    b->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    b->start_ns = first = server_now_ns() + 1000000;
    when = (struct itimerspec){.it_interval = {.tv_nsec = b->interval_ns},
                               .it_value = {.tv_sec = first / 1000000000, .tv_nsec = first % 1000000000}};
    return b->timer >= 0 && timerfd_settime(b->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0 &&
           swarm_watch(&b->swarm, b->timer, SWARM_OTHER | TIMER);
}

static void flow(struct beat *b)
{
    struct live_board *board = b->board;
    int64_t ended = 0;

    while (!b->swarm.broken) {
        const bool whole = b->answered == b->due && b->swarm.events >= b->due * b->swarm.live;

        if (atomic_load(&board->phase) == LIVE_PHASES) {
            ended = ended == 0 ? server_now_ns() : ended;
            if (whole)
                break;
            if (server_now_ns() - ended > LOST_NS)
                swarm_fail(&b->swarm,
                           "10 s after the last of %llu messages: %llu answered, %llu deliveries "
                           "to %u",
                           (unsigned long long)b->due, (unsigned long long)b->answered,
                           (unsigned long long)b->swarm.events, b->swarm.live);
        }
        swarm_turn(&b->swarm, 20);
        ask_due(b);
    }
    /* What would come twice comes now. */
    for (int i = 0; i < 10 && !b->swarm.broken; i++)
        swarm_turn(&b->swarm, 10);
}

/* What it measures is the server's delay, not its own wait for a core that the storm's devices share. */
static bool prefer(void)
{
    const struct sched_param first = {.sched_priority = 1};

    return sched_setscheduler(0, SCHED_FIFO, &first) == 0 || setpriority(PRIO_PROCESS, 0, PREFERENCE) == 0;
}

static void live_in_child(const struct live_start *how, struct live_board *board)
{
    static struct beat b;
    const struct swarm_target target = {
        .kind = KIND_RECALLD, .at = how->at, .users = how->users, .room = how->room, .net = LIVE_NET};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (how->core >= 0)
        server_pin(how->core);
    b.how = how;
    b.board = board;
    if (prepare(&b, &target) && start_timer(&b)) {
        board->result.preferred = prefer();
        atomic_store(&board->ready, true);
        flow(&b);
        summarize(&b);
    }
    board->result.frame = b.swarm.frame;
    board->result.missed = b.swarm.missed;
    board->result.repeated = b.swarm.repeated;
    board->ok = !b.swarm.broken && atomic_load(&board->ready) && b.swarm.missed + b.swarm.repeated == 0;
    snprintf(board->error, sizeof(board->error), "%s", b.swarm.error);
    atomic_store(&board->done, true);
}

/* --- outside --- */

static bool await(struct live *l, _Atomic bool *what)
{
    const int64_t until = server_now_ns() + PATIENCE_NS;

    while (!atomic_load(what) && !atomic_load(&l->board->done)) {
        if (server_now_ns() > until)
            break;
        if (waitpid(l->pid, NULL, WNOHANG) != 0) {
            l->pid = -1;
            break;
        }
        usleep(5000);
    }
    if (atomic_load(what))
        return true;
    fprintf(stderr, "bench: the live room: %s\n", l->board->error[0] != '\0' ? l->board->error : "no answer");
    return false;
}

bool live_start(struct live *l, const struct live_start *how)
{
    *l = (struct live){.pid = -1};
    l->board = mmap(NULL, sizeof(*l->board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (l->board == MAP_FAILED) {
        l->board = NULL;
        fprintf(stderr, "bench: no shared memory: %s\n", strerror(errno));
        return false;
    }
    fflush(NULL);
    l->pid = fork();
    if (l->pid == 0) {
        live_in_child(how, l->board);
        _exit(0);
    }
    return l->pid > 0 && await(l, &l->board->ready);
}

void live_phase(struct live *l, int phase)
{
    atomic_store(&l->board->phase, phase);
}

bool live_end(struct live *l, struct live_result *result)
{
    bool ok;

    atomic_store(&l->board->phase, LIVE_PHASES);
    ok = await(l, &l->board->done) && l->board->ok;
    *result = l->board->result;
    if (!ok && l->board->error[0] != '\0')
        fprintf(stderr, "bench: the live room: %s\n", l->board->error);
    live_stop(l);
    return ok;
}

void live_stop(struct live *l)
{
    if (l == NULL || l->board == NULL)
        return;
    if (l->pid > 0) {
        kill(l->pid, SIGKILL);
        waitpid(l->pid, NULL, 0);
    }
    munmap(l->board, sizeof(*l->board));
    *l = (struct live){.pid = -1};
}

int64_t live_cpu_ns(const struct live *l)
{
    struct timespec t;
    clockid_t clock;

    if (l->pid <= 0 || clock_getcpuclockid(l->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
