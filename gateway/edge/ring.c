#include "edge/ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* One thread asks, and whatever the kernel would do later it does when that thread asks again: so it need not lock. A send that cannot
 * be started keeps none of the others. */
#define FLAGS (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL)

bool ring_open(struct ring *r, char *why, size_t why_size)
{
    const int rc = io_uring_queue_init(RING_SENDS, &r->uring, FLAGS);

    r->open = rc == 0;
    if (!r->open)
        snprintf(why, why_size, "%s", strerror(-rc));
    return r->open;
}

void ring_close(struct ring *r)
{
    if (r->open)
        io_uring_queue_exit(&r->uring);
    r->open = false;
}

unsigned ring_share(const struct hub_send sends[], unsigned count)
{
    size_t bytes = sends[0].n;
    unsigned share = 1;

    while (share < count && share < (sends[share].p == sends[0].p ? RING_SENDS : RING_MIXED) && bytes + sends[share].n <= RING_BYTES)
        bytes += sends[share++].n;
    return share;
}

/* What the kernel has said of `count` sends. */
static void collect(struct ring *r, unsigned count, struct hub_send sends[])
{
    struct io_uring_cqe *cqe;
    unsigned head;

    /* They are all there already, see ring.h. Were they not, their bytes could not be let go, and nobody could say who got them. */
    while (io_uring_cq_ready(&r->uring) < count) {
        const int rc = io_uring_wait_cqe_nr(&r->uring, &cqe, count);

        if (rc < 0 && rc != -EINTR)
            abort();
    }
    io_uring_for_each_cqe(&r->uring, head, cqe)
        sends[io_uring_cqe_get_data64(cqe)].taken = cqe->res < 0 ? 0 : (uint32_t)cqe->res;
    io_uring_cq_advance(&r->uring, count);
}

bool ring_send(struct ring *r, struct hub_send sends[], unsigned count)
{
    unsigned started = 0;

    for (unsigned i = 0; i < count; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

        sends[i].taken = 0;
        io_uring_prep_send(sqe, sends[i].socket, sends[i].p, sends[i].n, MSG_NOSIGNAL | MSG_DONTWAIT);
        io_uring_sqe_set_data64(sqe, i);
    }
    while (started < count) {
        const int rc = io_uring_submit(&r->uring);

        if (rc <= 0 && rc != -EINTR) {
            r->error = -rc;
            break;
        }
        started += rc > 0 ? (unsigned)rc : 0;
    }
    collect(r, started, sends);
    if (started == count)
        return true;
    ring_close(r); /* with what was not started */
    return false;
}
