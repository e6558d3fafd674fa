#include "clients/load/poller.h"

#include <unistd.h>

#define BATCH 512

static void on_ready(uv_poll_t *handle, int status, int ready)
{
    struct poller *p = handle->data;
    struct epoll_event events[BATCH];

    (void)status;
    (void)ready;
    for (int done = 0; done < POLLER_TURN; done += BATCH) {
        const int n = epoll_wait(p->fd, events, BATCH, 0);

        for (int i = 0; i < n; i++) {
            struct poller_item *item = events[i].data.ptr;

            item->ready(item, events[i].events);
        }
        if (n < BATCH)
            return;
    }
}

bool poller_init(struct poller *p, uv_loop_t *loop)
{
    *p = (struct poller){.fd = epoll_create1(EPOLL_CLOEXEC)};
    if (p->fd < 0)
        return false;
    if (uv_poll_init(loop, &p->handle, p->fd) != 0 || uv_poll_start(&p->handle, UV_READABLE, on_ready) != 0) {
        close(p->fd);
        return false;
    }
    p->handle.data = p;
    p->open = true;
    return true;
}

void poller_close(struct poller *p)
{
    if (!p->open)
        return;
    uv_close((uv_handle_t *)&p->handle, NULL);
    close(p->fd);
    p->open = false;
}

bool poller_add(struct poller *p, int fd, uint32_t events, struct poller_item *item)
{
    struct epoll_event ev = {.events = events, .data.ptr = item};

    return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

bool poller_change(struct poller *p, int fd, uint32_t events, struct poller_item *item)
{
    struct epoll_event ev = {.events = events, .data.ptr = item};

    return epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &ev) == 0;
}
