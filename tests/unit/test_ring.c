/* Sends to many sockets in one system call. */
#include "edge/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* after the headers that it needs */
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 333

/* Sockets in pairs: what is sent to at[i] is read from far[i]. */
struct pairs {
    struct ring ring;
    int at[RING_SENDS], far[RING_SENDS];
    struct hub_send sends[RING_SENDS];
};

/* With a ring, or the test is skipped: a kernel may refuse one, and then nothing here is ever used. */
static int make(void **state)
{
    struct pairs *p = calloc(1, sizeof(*p));
    char why[128];

    if (!ring_open(&p->ring, why, sizeof(why))) {
        printf("no io_uring here: %s\n", why);
        free(p);
        return 0;
    }
    for (unsigned i = 0; i < RING_SENDS; i++) {
        int two[2];

        if (socketpair(AF_UNIX, SOCK_STREAM, 0, two) != 0)
            return -1;
        p->at[i] = two[0];
        p->far[i] = two[1];
    }
    *state = p;
    return 0;
}

static int end(void **state)
{
    struct pairs *p = *state;

    if (p == NULL)
        return 0;
    for (unsigned i = 0; i < RING_SENDS; i++) {
        close(p->at[i]);
        close(p->far[i]);
    }
    ring_close(&p->ring);
    free(p);
    return 0;
}

static struct pairs *of(void **state)
{
    if (*state == NULL)
        skip();
    return *state;
}

/* Everything that is there to be read. */
static size_t drain(int fd, char *to, size_t most)
{
    size_t n = 0;
    ssize_t got;

    while (n < most && (got = recv(fd, to + n, most - n, MSG_DONTWAIT)) > 0)
        n += (size_t)got;
    return n;
}

/* The same bytes to the first `count`. */
static bool send_to(struct pairs *p, unsigned count, const char *bytes, size_t n)
{
    for (unsigned i = 0; i < count; i++)
        p->sends[i] = (struct hub_send){.p = bytes, .n = (uint32_t)n, .taken = 77, .socket = p->at[i]};
    return ring_send(&p->ring, p->sends, count);
}

static void every_socket_gets_the_bytes_and_none_is_used_after_the_call(void **state)
{
    struct pairs *p = of(state);
    char piece[PIECE], got[2 * PIECE];

    for (unsigned round = 0; round < 1000; round++) {
        const unsigned count = 1 + round % RING_SENDS;

        memset(piece, (int)('a' + round % 26), sizeof(piece));
        assert_true(send_to(p, count, piece, sizeof(piece)));
        memset(piece, '-', sizeof(piece));
        for (unsigned i = 0; i < RING_SENDS; i++) {
            const size_t n = drain(p->far[i], got, sizeof(got));

            assert_int_equal(n, i < count ? PIECE : 0);
            if (i >= count)
                continue;
            assert_int_equal(p->sends[i].taken, PIECE);
            assert_int_equal(got[0], 'a' + round % 26);
            assert_memory_equal(got, got + 1, PIECE - 1);
        }
    }
}

/* Writes until it takes no more. */
static size_t fill(int fd)
{
    static const char block[4096];
    size_t n = 0;
    ssize_t sent;

    for (size_t step = sizeof(block); step > 0; step /= 2)
        while ((sent = send(fd, block, step, MSG_DONTWAIT)) > 0)
            n += (size_t)sent;
    return n;
}

static void who_cannot_take_it_takes_nothing_and_the_others_all(void **state)
{
    struct pairs *p = of(state);
    char piece[PIECE], got[2 * PIECE];
    const int bad = p->at[30];

    memset(piece, 'x', sizeof(piece));
    assert_true(fill(p->at[0]) > 0);
    assert_true(fill(p->at[17]) > 0);
    shutdown(p->far[5], SHUT_RDWR); /* no SIGPIPE either */
    p->at[30] = -1;
    assert_true(send_to(p, RING_SENDS, piece, sizeof(piece)));
    p->at[30] = bad;
    for (unsigned i = 0; i < RING_SENDS; i++)
        assert_int_equal(p->sends[i].taken, i == 0 || i == 17 || i == 5 || i == 30 ? 0 : PIECE);
    assert_int_equal(drain(p->far[1], got, sizeof(got)), PIECE);
    assert_int_equal(drain(p->far[30], got, sizeof(got)), 0);
    /* Nothing is tried again later, when there would be room. */
    for (size_t n = 1; n > 0;)
        n = drain(p->far[0], got, sizeof(got));
    assert_true(ring_send(&p->ring, p->sends + 1, 1));
    usleep(20000);
    assert_int_equal(drain(p->far[0], got, sizeof(got)), 0);
}

static void a_part_that_was_taken_is_told(void **state)
{
    struct pairs *p = of(state);
    const size_t n = 8U << 20;
    char *large = malloc(n), *got = malloc(n);

    for (size_t i = 0; i < n; i++)
        large[i] = (char)(i * 7 + i / 251);
    assert_true(send_to(p, RING_PAYS, large, n));
    for (unsigned i = 0; i < RING_PAYS; i++) {
        assert_true(p->sends[i].taken > 0 && p->sends[i].taken < n);
        assert_int_equal(drain(p->far[i], got, n), p->sends[i].taken);
        assert_memory_equal(got, large, p->sends[i].taken);
    }
    free(large);
    free(got);
}

static void each_gets_its_own(void **state)
{
    struct pairs *p = of(state);
    char piece[RING_SENDS], got[2 * RING_SENDS];

    for (unsigned i = 0; i < RING_SENDS; i++) {
        piece[i] = (char)('a' + i % 26);
        p->sends[i] = (struct hub_send){.p = piece, .n = i + 1, .socket = p->at[i]};
    }
    assert_true(ring_send(&p->ring, p->sends, RING_SENDS));
    for (unsigned i = 0; i < RING_SENDS; i++) {
        assert_int_equal(p->sends[i].taken, i + 1);
        assert_int_equal(drain(p->far[i], got, sizeof(got)), i + 1);
        assert_memory_equal(got, piece, i + 1);
    }
}

/* ring_share of `count` sends of `n` bytes each, the first `alike` of them of the same. */
static unsigned share_of(unsigned count, size_t n, unsigned alike)
{
    static const char piece[2];
    struct hub_send *sends = calloc(count, sizeof(*sends));
    unsigned share;

    for (unsigned i = 0; i < count; i++)
        sends[i] = (struct hub_send){.p = &piece[i >= alike], .n = (uint32_t)n};
    share = ring_share(sends, count);
    free(sends);
    return share;
}

static void a_call_that_nobody_may_interrupt_has_a_bound(void **state)
{
    enum { MANY = 2 * RING_SENDS };

    (void)state;
    assert_int_equal(share_of(3, 1, 3), 3);
    assert_int_equal(share_of(MANY, 1, MANY), RING_SENDS);
    assert_int_equal(share_of(MANY, RING_BYTES / RING_SENDS, MANY), RING_SENDS);
    assert_int_equal(share_of(MANY, RING_BYTES / (RING_SENDS - 1), MANY), RING_SENDS - 1);
    assert_int_equal(share_of(MANY, RING_BYTES / RING_PAYS, MANY), RING_PAYS);
    assert_int_equal(share_of(MANY, RING_BYTES, MANY), 1);
    assert_int_equal(share_of(MANY, (size_t)16 << 20, MANY), 1); /* one goes out however large it is */
    /* Of several rooms. */
    assert_int_equal(share_of(MANY, 1, 10), RING_MIXED);
    assert_int_equal(share_of(MANY, 1, RING_MIXED + 10), RING_MIXED + 10);
    assert_int_equal(share_of(RING_MIXED - 1, 1, 10), RING_MIXED - 1);
}

static void a_ring_that_fails_says_so_and_has_sent_what_it_tells(void **state)
{
    struct pairs *p = of(state);
    char piece[PIECE], got[2 * PIECE];
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    memset(piece, 'x', sizeof(piece));
    assert_true(dup2(null, p->ring.uring.ring_fd) >= 0); /* from now on the kernel answers that this is no ring */
    close(null);
    assert_false(send_to(p, RING_SENDS, piece, sizeof(piece)));
    assert_false(p->ring.open);
    assert_int_not_equal(p->ring.error, 0);
    for (unsigned i = 0; i < RING_SENDS; i++) {
        assert_int_equal(p->sends[i].taken, 0);
        assert_int_equal(drain(p->far[i], got, sizeof(got)), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_socket_gets_the_bytes_and_none_is_used_after_the_call, make, end),
        cmocka_unit_test_setup_teardown(who_cannot_take_it_takes_nothing_and_the_others_all, make, end),
        cmocka_unit_test_setup_teardown(a_part_that_was_taken_is_told, make, end),
        cmocka_unit_test_setup_teardown(each_gets_its_own, make, end),
        cmocka_unit_test(a_call_that_nobody_may_interrupt_has_a_bound),
        cmocka_unit_test_setup_teardown(a_ring_that_fails_says_so_and_has_sent_what_it_tells, make, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
