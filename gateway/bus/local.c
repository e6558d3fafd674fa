#include "bus/bus.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct bus {
    pthread_mutex_t lock;
    bus_handler *handler;
    struct mailbox *boxes[BUS_THREADS];
    unsigned count;
};

/* One notice on its way to one thread. */
struct bus_mail {
    struct mail mail;
    struct bus *bus;
    struct bus_notice *notice;
};

struct bus *bus_create(bus_handler *handler)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    if (bus == NULL)
        return NULL;
    if (pthread_mutex_init(&bus->lock, NULL) != 0) {
        free(bus);
        return NULL;
    }
    bus->handler = handler;
    return bus;
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

    m->bus->handler(m->notice, ctx);
    unref(m->notice);
    free(m);
}

/* Waits until the thread has read some of what it has. Edge threads never wait for the writer, so this ends. */
static void wait_for_room(struct mailbox *box)
{
    const struct timespec pause = {0, 200000};

    while (mailbox_depth(box) >= BUS_PENDING && !mailbox_closed(box))
        nanosleep(&pause, NULL);
}

static void hand_out(struct bus *bus, struct bus_notice *notice, bool may_drop)
{
    pthread_mutex_lock(&bus->lock);
    for (unsigned i = 0; i < bus->count; i++) {
        struct bus_mail *m;

        if (may_drop && mailbox_depth(bus->boxes[i]) >= BUS_PENDING)
            continue;
        m = malloc(sizeof(*m));
        if (m == NULL)
            abort();
        m->mail.deliver = deliver;
        m->bus = bus;
        m->notice = notice;
        atomic_fetch_add_explicit(&notice->refs, 1, memory_order_relaxed);
        if (!may_drop)
            wait_for_room(bus->boxes[i]);
        mailbox_post_always(bus->boxes[i], &m->mail);
    }
    pthread_mutex_unlock(&bus->lock);
}

void bus_publish(struct bus *bus, struct bus_notice *notice)
{
    if (bus != NULL)
        hand_out(bus, notice, false);
    unref(notice);
}

void bus_offer(struct bus *bus, struct bus_notice *notice)
{
    if (bus != NULL)
        hand_out(bus, notice, true);
    unref(notice);
}
