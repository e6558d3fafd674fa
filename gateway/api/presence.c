#include "api/presence.h"

#include "api/session_private.h"

/* On every edge thread, perhaps at the same time. */
static void visit(void *arg, void *thread)
{
    struct presence *p = arg;

    for (size_t i = 0; i < p->chunk->n; i++) {
        struct ledger_open *open = &p->chunk->open[i];

        if (session_table_connected(thread, p->app_id, open->user, open->device))
            atomic_store(&open->connected, true);
    }
}

static void home(struct mail *mail, void *ctx);

/* On whichever thread was the last. */
static void visited(void *arg)
{
    struct presence *p = arg;

    p->mail.deliver = home;
    mailbox_post_always(p->home->mailbox, &p->mail);
}

static void home(struct mail *mail, void *ctx)
{
    struct presence *p = (struct presence *)mail;

    (void)ctx;
    p->chunk = p->chunk->next;
    if (p->chunk != NULL)
        event_visit(p->home->gateway->bus, visit, visited, p);
    else
        p->done(p->arg);
}

void presence_ask(struct presence *p, struct api_thread *thread, int64_t app_id, struct ledger_chunk *chunks,
                  void (*done)(void *arg), void *arg)
{
    *p = (struct presence){.home = thread, .app_id = app_id, .chunk = chunks, .done = done, .arg = arg};
    event_visit(thread->gateway->bus, visit, visited, p);
}
