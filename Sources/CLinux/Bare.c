// A program without a keeper: its control group alone can end all of it, and it is this process's child.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Child.h"
#include "Family.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct bare {
    struct child child;
    // Cleared by the kernel when the process leaves this memory (CLONE_CHILD_CLEARTID), by its exec or its end.
    int is_here;
};

static long start_bare(struct bare *bare, parley_bare *result)
{
    struct clone_args how;
    parley_child_describe(
        &bare->child, bare->child.start.group, CLONE_PIDFD | CLONE_CHILD_CLEARTID, &how);
    how.pidfd = (unsigned long)&result->pidfd;
    how.child_tid = (unsigned long)&bare->is_here;
    bare->is_here = 1;
    sigset_t all, before;
    sigfillset(&all);
    // A signal that it received here would be handled in this memory.
    pthread_sigmask(SIG_BLOCK, &all, &before);
    long program = raw_clone3(&how, sizeof how, parley_child_run, &bare->child);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return program;
}

parley_bare parley_bare_start(const parley_start *start)
{
    parley_bare result = {.pidfd = -1, .exec = -1};
    int ends[2] = {-1, -1};
    struct bare *bare = malloc(sizeof *bare);
    if (!bare || (start->is_waited_for && pipe2(ends, O_CLOEXEC | O_NONBLOCK))) {
        result.failure = errno;
        free(bare);
        return result;
    }
    bare->child.keeper = 0;
    bare->child.report = (parley_report){0};
    parley_child_prepare(&bare->child, start);
    bare->child.exec = ends[1];
    long program = start_bare(bare, &result);
    if (ends[1] >= 0) close(ends[1]);
    if (program < 0) {
        result.failure = (int)-program;
        if (ends[0] >= 0) close(ends[0]);
        free(bare);
        return result;
    }
    result.program = (pid_t)program;
    result.exec = ends[0];
    result.memory = bare;
    return result;
}

int parley_bare_has_left(const void *memory)
{
    // Its report was written before.
    return !__atomic_load_n(&((const struct bare *)memory)->is_here, __ATOMIC_ACQUIRE);
}

parley_report parley_bare_report(const void *memory)
{
    return ((const struct bare *)memory)->child.report;
}

void parley_bare_free(void *memory) { free(memory); }

int parley_may_inherit_children(void)
{
    int reaps = 0;
    if (getpid() == 1 || prctl(PR_GET_CHILD_SUBREAPER, &reaps) || reaps) return 1;
    siginfo_t info;
    // Fails if there are none.
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

pid_t parley_ended_child(void)
{
    siginfo_t info = {0};
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ? 0 : info.si_pid;
}

int parley_reap(pid_t child, int *code, int *status)
{
    siginfo_t info = {0};
    int result;
    do result = waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG);
    while (result && errno == EINTR);
    if (result) return -1;
    *code = info.si_code;
    *status = info.si_status;
    return info.si_pid == child;
}

int parley_group_terminate(int group, const char *name)
{
    struct family *family = malloc(sizeof *family);
    if (!family) return 0;
    family->signalled = 0;
    family->seen_count = 0;
    parley_family_signal_group(family, group, name, SIGTERM);
    int count = family->signalled;
    free(family);
    return count;
}
