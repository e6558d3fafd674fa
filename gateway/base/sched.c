#include "base/sched.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 100000 /* the least that the kernel takes */

/* struct sched_attr as sched_setattr(2) has it; the C library has no wrapper, and the kernel's header does not go with its own. */
struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static void set(uint32_t policy, uint64_t slice_ns)
{
    struct attr attr = {.size = sizeof(attr), .policy = policy, .runtime = slice_ns};

    (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

void sched_prompt(void)
{
    set(SCHED_OTHER, SLICE_NS);
}

void sched_patient(void)
{
    set(SCHED_BATCH, 0);
}
