#include "clients/load/traffic.h"

#include "clients/load/explain.h"
#include "clients/load/rongcloud.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define QUOTES    10U /* percent of the messages in mixed and soak */
#define DELETES   4U  /* every so many recalls remove the message instead of leaving a gray bar */
#define SLOT_FREE (-1)
/* An event of the closed loop that some do not get is waited for so long. */
#define SLOT_NS     INT64_C(5000000000)
#define RECALL_BIT  (UINT64_C(1) << 63) /* of a call's tag; then the slot + 1, then the message's number */
#define SLOT_SHIFT  48
#define SLOT_BITS   12 /* in_flight is at most 4,096 */
#define NUMBER_MASK ((UINT64_C(1) << SLOT_SHIFT) - 1)

static void fill(struct traffic *t);

static void ask(struct traffic *t, int64_t due_ns, int32_t slot);

/* Whether a slot of the closed loop waits for its event to be everywhere. Not where connections are away on
 * purpose. */
static bool waits(const struct traffic *t)
{
    return t->options->scenario != OPTIONS_RESUME && t->options->scenario != OPTIONS_CONNECT;
}

static void take_up(struct traffic *t, uint32_t slot)
{
    t->slots[slot].answered_ns = SLOT_FREE;
    if (t->on)
        ask(t, (int64_t)uv_hrtime(), (int32_t)slot);
}

static bool is_mixed(const struct traffic *t)
{
    return t->options->scenario == OPTIONS_MIXED || t->options->scenario == OPTIONS_SOAK;
}

static uint32_t below(struct traffic *t, uint32_t n)
{
    return (uint32_t)(((uint64_t)crowd_random(t->crowd) * n) >> 32);
}

/* --- answers --- */

static void remember(struct traffic *t, uint64_t number)
{
    if (t->candidate_count < TRAFFIC_CANDIDATES)
        t->candidates[t->candidate_count++] = number;
    else
        t->candidates[below(t, TRAFFIC_CANDIDATES)] = number;
}

static bool is_good(const struct caller_answer *a)
{
    return a->status == 200 &&
           (strncmp(a->body, "{\"RC\":0", 7) == 0 || strstr(a->body, "\"RC\":0") != NULL ||
            strncmp(a->body, "{\"code\":200", 11) == 0);
}

static void on_bad(struct traffic *t, bool recall, const struct caller_answer *a)
{
    if (a->status == 429 || a->status == 503)
        t->figures->refused++;
    else
        t->figures->failed++;
    if (t->figures->failure[0] == '\0')
        explain_answer(t->options, recall ? "recall a message" : "send a message", a, t->figures->failure,
                       sizeof(t->figures->failure));
}

static void on_answer(void *arg, uint64_t tag, const struct caller_answer *a)
{
    struct traffic *t = arg;
    const bool recall = (tag & RECALL_BIT) != 0;
    const int32_t slot = (int32_t)((tag & ~RECALL_BIT) >> SLOT_SHIFT) - 1;
    struct book_message *m = book_find(t->book, tag & NUMBER_MASK);
    const int64_t now = (int64_t)uv_hrtime();

    t->open--;
    if (!is_good(a)) {
        on_bad(t, recall, a);
        if (slot >= 0)
            t->slots[slot].answered_ns =
                SLOT_FREE; /* taken up by the next tick: a server that refuses is not asked in a tight loop */
    } else if (m != NULL) {
        if (slot >= 0)
            t->slots[slot].answered_ns = now;
        if (!recall)
            remember(t, m->number);
        book_answered(t->book, m, recall ? FIGURES_RECALL : FIGURES_MESSAGE, now);
        if (slot >= 0 && !waits(t))
            take_up(t, (uint32_t)slot);
    }
    if (!t->options->closed)
        fill(t);
}

/* --- asking --- */

static void ask_message(struct traffic *t, struct book_message *m, uint64_t tag, uint64_t quoted)
{
    const uint32_t room = m->room, rooms = t->book->room_count;
    const uint32_t members = (t->crowd->count - room - 1) / rooms + 1;
    char sender[NAMES_MOST], id[NAMES_MOST], at[NAMES_MOST], path[96], quote[NAMES_MOST + 16] = "";
    char *body = malloc((size_t)t->options->bytes + 512);
    int n, text;

    if (body == NULL) {
        on_answer(t, tag, &(struct caller_answer){.retry_after_s = -1, .body = "out of memory"});
        return;
    }
    names_user(t->names, room + rooms * below(t, members), sender);
    names_message(t->names, m->number, id);
    names_room(t->names, room, at);
    if (quoted != 0) {
        char reply[NAMES_MOST];

        names_message(t->names, quoted, reply);
        snprintf(quote, sizeof(quote), "\"reply\":\"%s\",", reply);
    }
    n = snprintf(body, 512, "{\"_id\":\"%s\",\"sender\":\"%s\",\"messageType\":\"text\",%s\"message\":\"", id,
                 sender, quote);
    text = snprintf(body + n, 64, "%s%llu: ", t->names->content, (unsigned long long)m->number);
    n += text;
    if ((uint32_t)text < t->options->bytes) {
        memcpy(body + n, t->filler, t->options->bytes - (uint32_t)text);
        n += (int)t->options->bytes - text;
    }
    n += snprintf(body + n, 3, "\"}");
    snprintf(path, sizeof(path), "/rooms/%s/message", at);
    t->figures->messages++;
    t->figures->quotes += quoted != 0;
    if (!caller_ask(t->caller, "POST", path, NULL, body, (size_t)n, on_answer, t, tag))
        on_answer(t, tag, &(struct caller_answer){.retry_after_s = -1, .body = "out of memory"});
    free(body);
}

static void ask_recall(struct traffic *t, const struct book_message *m, uint64_t tag)
{
    const struct options *o = t->options;
    const bool is_delete = ++t->recall_count % DELETES == 0;
    char id[NAMES_MOST], at[NAMES_MOST], author[NAMES_MOST], path[96], headers[640], body[384];
    const char *extra = NULL;
    int n;

    names_message(t->names, m->number, id);
    names_room(t->names, m->room, at);
    names_user(t->names, m->room, author);
    snprintf(path, sizeof(path), "/rooms/%s/message", at);
    n = snprintf(body, sizeof(body), "{\"_id\":\"%s\",\"messageType\":\"recall\",\"isDelete\":%s}", id,
                 is_delete ? "true" : "false");
    if (o->app_key != NULL && t->recall_count % 2 == 0 &&
        rongcloud_recall(&(struct rongcloud_recall){.app_key = o->app_key,
                                                    .app_secret = o->app_secret,
                                                    .author = author,
                                                    .room = at,
                                                    .message = id,
                                                    .is_delete = is_delete,
                                                    .nonce = crowd_random(t->crowd)},
                         headers, sizeof(headers), body, sizeof(body))) {
        n = (int)strlen(body);
        extra = headers;
        snprintf(path, sizeof(path), "%s", RONGCLOUD_RECALL_PATH);
    }
    t->figures->recalls++;
    if (!caller_ask(t->caller, "POST", path, extra, body, (size_t)n, on_answer, t, tag))
        on_answer(t, tag, &(struct caller_answer){.retry_after_s = -1, .body = "out of memory"});
}

/* An acknowledged message at random; `take`: it is to be recalled and may not be chosen again. NULL: there is
 * none. */
static struct book_message *choose(struct traffic *t, bool take)
{
    struct book_message *m;
    uint32_t i;

    if (t->candidate_count == 0)
        return NULL;
    i = below(t, t->candidate_count);
    m = book_find(t->book, t->candidates[i]);
    if (take || m == NULL)
        t->candidates[i] = t->candidates[--t->candidate_count];
    return m;
}

/* The next call, intended for `due_ns`. */
static void ask(struct traffic *t, int64_t due_ns, int32_t slot)
{
    const int64_t now = (int64_t)uv_hrtime();
    const uint64_t slot_bits = (uint64_t)(slot + 1) << SLOT_SHIFT;
    int32_t told = -1;
    struct book_message *m = below(t, 100) < t->options->recalls ? choose(t, true) : NULL, *quoted = NULL;

    t->open++;
    t->asked++;
    if (slot >= 0) {
        t->slots[slot].answered_ns = 0;
        told = waits(t) ? (int32_t)((++t->slots[slot].turn & 0x3ffffU) << SLOT_BITS | (uint32_t)slot) : -1;
    }
    if (m != NULL) {
        book_ask(t->book, m, FIGURES_RECALL, due_ns, now, told);
        ask_recall(t, m, RECALL_BIT | slot_bits | m->number);
        return;
    }
    if (is_mixed(t) && below(t, 100) < QUOTES)
        quoted = choose(t, false);
    m = book_new(t->book, quoted != NULL ? quoted->room : below(t, t->book->room_count));
    book_ask(t->book, m, FIGURES_MESSAGE, due_ns, now, told);
    ask_message(t, m, slot_bits | m->number, quoted != NULL ? quoted->number : 0);
}

/* --- the open loop --- */

static void fill(struct traffic *t)
{
    while (t->asked < t->due && t->open < t->options->in_flight)
        ask(t, t->start_ns + (int64_t)((double)t->asked * t->interval_ns), -1);
}

/* The timer fires when the next call is due, and not before. */
static void arm(struct traffic *t)
{
    const int64_t next = t->start_ns + (int64_t)((double)t->due * t->interval_ns);
    const struct itimerspec when = {.it_value = {.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000}};

    (void)timerfd_settime(t->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void count_due(struct traffic *t, int64_t now)
{
    const int64_t until = t->stop_ns != 0 && t->stop_ns < now ? t->stop_ns : now;

    if (until >= t->start_ns)
        t->due = (uint64_t)((double)(until - t->start_ns) / t->interval_ns) + (t->stop_ns == 0);
}

static void on_timer(struct poller_item *item, uint32_t events)
{
    struct traffic *t = (struct traffic *)item;
    uint64_t fired;

    (void)events;
    if (read(t->timer, &fired, sizeof(fired)) != sizeof(fired) || !t->on)
        return;
    count_due(t, (int64_t)uv_hrtime());
    arm(t);
    fill(t);
}

/* --- the closed loop --- */

static void fill_slots(struct traffic *t)
{
    for (uint32_t i = 0; i < t->options->in_flight && t->on; i++) {
        if (t->slots[i].answered_ns == SLOT_FREE)
            take_up(t, i);
    }
}

static void on_complete(void *arg, int32_t told)
{
    struct traffic *t = arg;
    const uint32_t slot = (uint32_t)told & ((1U << SLOT_BITS) - 1);

    if ((t->slots[slot].turn & 0x3ffffU) ==
        (uint32_t)told >> SLOT_BITS) /* else it was waited for in vain before */
        take_up(t, slot);
}

/* --- the whole --- */

bool traffic_init(struct traffic *t, const struct options *options, const struct names *names,
                  struct caller *caller, struct crowd *crowd, struct book *book)
{
    static const char words[] =
        "the quick brown fox jumps over the lazy dog and has a look at what it left behind, ";

    *t = (struct traffic){.item = {on_timer},
                          .options = options,
                          .names = names,
                          .caller = caller,
                          .crowd = crowd,
                          .book = book,
                          .figures = book->figures,
                          .interval_ns = 1e9 / options->rate};
    t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    t->slots = malloc(options->in_flight * sizeof(*t->slots));
    t->filler = malloc(options->bytes);
    if (t->timer < 0 || t->slots == NULL || t->filler == NULL ||
        !poller_add(&crowd->poller, t->timer, EPOLLIN, &t->item)) {
        traffic_free(t);
        return false;
    }
    for (uint32_t i = 0; i < options->in_flight; i++)
        t->slots[i] = (struct traffic_slot){.answered_ns = SLOT_FREE};
    for (uint32_t i = 0; i < options->bytes; i++)
        t->filler[i] = words[i % (sizeof(words) - 1)];
    book->complete = options->closed ? on_complete : NULL;
    book->arg = t;
    return true;
}

void traffic_free(struct traffic *t)
{
    if (t->item.ready != NULL && t->timer >= 0)
        close(t->timer);
    free(t->slots);
    free(t->filler);
    *t = (struct traffic){.timer = -1};
}

void traffic_start(struct traffic *t)
{
    t->on = true;
    t->start_ns = (int64_t)uv_hrtime() + 1000000;
    if (t->options->closed)
        fill_slots(t);
    else
        arm(t);
}

void traffic_stop(struct traffic *t)
{
    if (!t->on)
        return;
    t->stop_ns = (int64_t)uv_hrtime();
    if (!t->options->closed) {
        count_due(t, t->stop_ns);
        fill(t);
    }
    t->on = false;
}

bool traffic_idle(const struct traffic *t)
{
    return t->open == 0 && (t->options->closed || t->asked >= t->due);
}

void traffic_give_up(struct traffic *t)
{
    if (!t->options->closed && t->due > t->asked) {
        t->figures->unsent += t->due - t->asked;
        t->due = t->asked;
    }
}

void traffic_tick(struct traffic *t)
{
    const int64_t now = (int64_t)uv_hrtime();

    if (!t->on)
        return;
    for (uint32_t i = 0; t->options->closed && i < t->options->in_flight; i++) {
        if (t->slots[i].answered_ns > 0 && now - t->slots[i].answered_ns > SLOT_NS)
            t->slots[i].answered_ns = SLOT_FREE;
    }
    if (t->options->closed)
        fill_slots(t);
    if (is_mixed(t)) {
        const double rate = t->options->closed ? 100 : t->options->rate;
        const uint64_t due = (uint64_t)((double)(now - t->start_ns) / 1e9 * rate / 2);

        for (uint32_t n = 0; t->typing_due < due; t->typing_due++, n++) {
            if (n < 256)
                crowd_type(t->crowd);
        }
    }
}
