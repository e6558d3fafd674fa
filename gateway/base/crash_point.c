/* Built only with RECALL_CRASH_POINTS. */
#include "base/crash_point.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Globals, although there are none elsewhere: a place is reached deep inside libraries' callbacks, where nothing of ours is at
 * hand, and none of this is in a program that is shipped. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char wanted[32];
static _Atomic long left;

static void read_variable(void)
{
    const char *value = getenv("RECALLD_CRASHPOINT");
    const char *colon = value != NULL ? strchr(value, ':') : NULL;

    if (colon == NULL || (size_t)(colon - value) >= sizeof(wanted))
        return;
    memcpy(wanted, value, (size_t)(colon - value));
    atomic_store(&left, strtol(colon + 1, NULL, 10));
}

void crash_point(const char *name)
{
    pthread_once(&once, read_variable);
    if (strcmp(name, wanted) != 0 || atomic_fetch_sub(&left, 1) != 1)
        return;
    kill(getpid(), SIGKILL);
    for (;;)
        pause(); /* the signal may be a moment away: nothing more may happen in this thread */
}
