// Keepers as parleyd sees them: their start, their reports, and their end.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Keeper.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The memory of keepers that are gone, for the next ones: a new mapping and its first page faults would be a hundredth of
// what the start costs. More of it is given back.
enum { MOST_SPARE = 8 };
static pthread_mutex_t spares_lock = PTHREAD_MUTEX_INITIALIZER;
static struct keeper *spares[MOST_SPARE];
static int spare_count;

// Nothing that is read of it says anything about an earlier command. NULL, with errno, if there is none.
static struct keeper *take_memory(void)
{
    struct keeper *keeper = NULL;
    pthread_mutex_lock(&spares_lock);
    if (spare_count) keeper = spares[--spare_count];
    pthread_mutex_unlock(&spares_lock);
    if (keeper) {
        // What is beyond this is written before it is read.
        char *start = (char *)&keeper->child.start;
        memset(start, 0, (size_t)((char *)keeper->family.seen - start));
        return keeper;
    }
    keeper = mmap(
        NULL, sizeof *keeper, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    return keeper == MAP_FAILED ? NULL : keeper;
}

static void give_memory_back(struct keeper *keeper)
{
    pthread_mutex_lock(&spares_lock);
    int is_kept = spare_count < MOST_SPARE;
    if (is_kept) spares[spare_count++] = keeper;
    pthread_mutex_unlock(&spares_lock);
    if (!is_kept) munmap(keeper, sizeof *keeper);
}

parley_keeper parley_keeper_start(const parley_start *start)
{
    parley_keeper result = {.control = -1};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
        result.failure = errno;
        return result;
    }
    struct keeper *keeper = take_memory();
    if (!keeper) {
        result.failure = errno;
        close(ends[0]);
        close(ends[1]);
        return result;
    }
    parley_child_prepare(&keeper->child, start);
    keeper->child.start.control = ends[1];
    sigset_t all, before;
    sigfillset(&all);
    // A signal that it received here would be handled in this memory.
    pthread_sigmask(SIG_BLOCK, &all, &before);
    // No signal reports its end, so nobody who waits for any child reaps it (__WALL in waitid(2)).
    long keepers = raw_clone(CLONE_VM, keeper->stack + STACK, parley_keeper_run, keeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (keepers > 0) {
        result.keeper = (pid_t)keepers;
        result.control = ends[0];
        result.memory = keeper;
    } else {
        result.failure = (int)-keepers;
        close(ends[0]);
        give_memory_back(keeper);
    }
    return result;
}

int parley_keeper_read(int control, parley_report *report)
{
    ssize_t length;
    // A keeper that is gone before it has read a request leaves ECONNRESET in front of its report (unix(7) doesn't say so),
    // once.
    do length = recv(control, report, sizeof *report, MSG_DONTWAIT);
    while (length < 0 && (errno == EINTR || errno == ECONNRESET));
    if (length == sizeof *report) return 1;
    return length < 0 && errno == EAGAIN ? 0 : -1;
}

pid_t parley_keeper_program(const void *memory)
{
    return ((const volatile struct keeper *)memory)->child.report.program;
}

void parley_keeper_tell(int control, char wish) { send(control, &wish, 1, MSG_NOSIGNAL | MSG_DONTWAIT); }

int parley_keeper_reap(pid_t keeper, void *memory)
{
    int status = 0;
    pid_t result;
    do result = waitpid(keeper, &status, WNOHANG | __WALL);
    while (result < 0 && errno == EINTR);
    if (result == 0) return 0;
    // Of one that was killed, or gave up on an exec that hangs, a program may still run in it.
    if (result > 0 && WIFEXITED(status) && ((struct keeper *)memory)->exec < 0) give_memory_back(memory);
    else munmap(memory, sizeof(struct keeper));
    return 1;
}
