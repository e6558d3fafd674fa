#include "bus/bus.h"

#include "base/crash_point.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct bus {
    pthread_mutex_t lock;
    bus_handler *handler;
    unsigned pending;
    struct mailbox *boxes[BUS_THREADS];
    unsigned count;
    bus_handler *tap;
    void *tap_ctx;
};

/* One notice on its way to one thread. */
struct bus_mail {
    struct mail mail;
    struct bus *bus;
    struct bus_notice *notice;
};

struct bus *bus_create(bus_handler *handler, unsigned pending)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    if (bus == NULL)
        return NULL;
    if (pthread_mutex_init(&bus->lock, NULL) != 0) {
        free(bus);
        return NULL;
    }
    bus->handler = handler;
    bus->pending = pending != 0 ? pending : BUS_PENDING;
    return bus;
}

void bus_tap(struct bus *bus, bus_handler *tap, void *ctx)
{
    bus->tap = tap;
    bus->tap_ctx = ctx;
}

void bus_destroy(struct bus *bus)
{
    if (bus == NULL)
        return;
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}

bool bus_attach(struct bus *bus, struct mailbox *mailbox)
{
    bool ok;

    pthread_mutex_lock(&bus->lock);
    ok = bus->count < BUS_THREADS;
    if (ok)
        bus->boxes[bus->count++] = mailbox;
    pthread_mutex_unlock(&bus->lock);
    return ok;
}

void bus_detach(struct bus *bus, struct mailbox *mailbox)
{
    pthread_mutex_lock(&bus->lock);
    for (unsigned i = 0; i < bus->count; i++) {
        if (bus->boxes[i] == mailbox) {
            bus->boxes[i] = bus->boxes[--bus->count];
            break;
        }
    }
    pthread_mutex_unlock(&bus->lock);
}

static void unref(struct bus_notice *notice)
{
    if (atomic_fetch_sub_explicit(&notice->refs, 1, memory_order_acq_rel) == 1)
        notice->release(notice);
}

static void deliver(struct mail *mail, void *ctx)
{
    struct bus_mail *m = (struct bus_mail *)mail;

    crash_point("before-fan-out");
    m->bus->handler(m->notice, ctx);
    unref(m->notice);
    free(m);
}

static bool has_room(const struct bus *bus, struct mailbox *box)
{
    return mailbox_depth(box) < bus->pending || mailbox_closed(box);
}

/* Under the lock: has every thread room for one more? */
static bool all_have_room(const struct bus *bus)
{
    for (unsigned i = 0; i < bus->count; i++)
        if (!has_room(bus, bus->boxes[i]))
            return false;
    return true;
}

/* Under the lock. */
static void wake_all(struct bus *bus)
{
    for (unsigned i = 0; i < bus->count; i++)
        mailbox_wake(bus->boxes[i]);
}

/* Under the lock: to all but `own` (NULL: to all). False: one of them has no room, and did not get it. */
static bool hand_out(struct bus *bus, struct bus_notice *notice, const struct mailbox *own, bool may_drop)
{
    bool all = true;

    for (unsigned i = 0; i < bus->count; i++) {
        struct bus_mail *m;

        if (bus->boxes[i] == own)
            continue;
        if (may_drop && !has_room(bus, bus->boxes[i])) {
            all = false;
            continue;
        }
        m = malloc(sizeof(*m));
        if (m == NULL)
            abort();
        m->mail.deliver = deliver;
        m->bus = bus;
        m->notice = notice;
        atomic_fetch_add_explicit(&notice->refs, 1, memory_order_relaxed);
        mailbox_post_quietly(bus->boxes[i], &m->mail);
    }
    return all;
}

/* Waits until every thread has read some of what it has. It waits without the lock: edge threads take it to offer, and one that waited here for
 * the lock would never read. */
static void wait_for_room(struct bus *bus)
{
    const struct timespec pause = {0, 200000};

    pthread_mutex_lock(&bus->lock);
    while (!all_have_room(bus)) {
        wake_all(bus); /* what fills them may have been posted quietly */
        pthread_mutex_unlock(&bus->lock);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&bus->lock);
    }
}

void bus_publish(struct bus *bus, struct bus_notice *notice, bool more)
{
    if (bus != NULL) {
        if (bus->tap != NULL)
            bus->tap(notice, bus->tap_ctx);
        wait_for_room(bus);
        (void)hand_out(bus, notice, NULL, false);
        if (!more)
            wake_all(bus);
        pthread_mutex_unlock(&bus->lock);
    }
    unref(notice);
}

void bus_wake(struct bus *bus)
{
    pthread_mutex_lock(&bus->lock);
    wake_all(bus);
    pthread_mutex_unlock(&bus->lock);
}

bool bus_offer_others(struct bus *bus, const struct mailbox *own, struct bus_notice *notice)
{
    bool all = true;

    if (bus != NULL) {
        pthread_mutex_lock(&bus->lock);
        all = hand_out(bus, notice, own, true);
        wake_all(bus);
        pthread_mutex_unlock(&bus->lock);
    }
    unref(notice);
    return all;
}

void bus_offer(struct bus *bus, struct bus_notice *notice)
{
    (void)bus_offer_others(bus, NULL, notice);
}

/* --- through every thread and home --- */

/* A mail on its way through the threads; its last stop is `home`. */
struct bus_pass {
    struct mail mail;
    struct bus *bus;
    struct mailbox *home;
    struct mail *last;
    unsigned next; /* the box that comes next */
};

static void pass_on(struct mail *mail, void *ctx)
{
    struct bus_pass *p = (struct bus_pass *)mail;
    struct bus *bus = p->bus;

    (void)ctx;
    pthread_mutex_lock(&bus->lock);
    while (p->next < bus->count && bus->boxes[p->next] == p->home)
        p->next++;
    if (p->next < bus->count) {
        mailbox_post_always(bus->boxes[p->next++], &p->mail);
        p = NULL;
    } else {
        mailbox_post_always(p->home, p->last);
    }
    pthread_mutex_unlock(&bus->lock);
    free(p);
}

bool bus_fence(struct bus *bus, struct mailbox *home, struct mail *last)
{
    struct bus_pass *p;
    unsigned others;

    pthread_mutex_lock(&bus->lock);
    others = bus->count;
    pthread_mutex_unlock(&bus->lock);
    if (others <= 1)
        return false;
    p = malloc(sizeof(*p));
    if (p == NULL)
        abort();
    *p = (struct bus_pass){.mail = {.deliver = pass_on}, .bus = bus, .home = home, .last = last};
    pass_on(&p->mail, NULL);
    return true;
}
