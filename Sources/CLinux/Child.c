// What happens between clone and exec: a program gets what it shall have, and nothing else.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Child.h"
#include "Group.h"
#include "Rights.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static unsigned long changed;

// Signals are ignored if whoever started this process made it ignore them, and two because this process does
// (Signals.swift); glibc and Swift's runtime have handlers of their own. They are checked once: a call for each of them
// at every start would be a fiftieth of what the start costs.
static void note_changed(void)
{
    changed = 1UL << (SIGPIPE - 1) | 1UL << (SIGXFSZ - 1);
    for (int number = 1; number < NSIG; number++) {
        // The kernel's version; glibc hides two of them.
        long action[8] = {0};
        if (syscall(SYS_rt_sigaction, number, NULL, action, 8) == 0 && action[0] != (long)SIG_DFL)
            changed |= 1UL << (number - 1);
    }
}

void parley_child_prepare(struct child *child, const parley_start *start)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, note_changed);
    child->start = *start;
    child->limits = parley_original_limits;
    child->changed = changed;
    child->entered = -1;
    child->exec = -1;
}

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

static void set_limit(int which, const struct rlimit *limit)
{
    raw(SYS_prlimit64, 0, which, (long)limit, 0, 0);
}

// The keeper has one thread, so this ends it and nothing else.
static void end_with_keeper(const struct child *child)
{
    if (!child->keeper) return;
    raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (raw(SYS_getppid, 0, 0, 0, 0, 0) != child->keeper) leave();
}

// Puts its descriptors in their places, and closes all others: an exec can hang, and what it held would not end when
// others are done with it. Before anybody but this process's user can stop it.
static long take_descriptors(const struct child *child)
{
    const int numbers[] = {child->start.input, child->start.output, child->start.error_output};
    long result;
    for (int i = 0; i < 3; i++)
        if ((result = raw(SYS_dup3, numbers[i], i, 0, 0, 0)) < 0) return result;
    int next = 3;
    if (child->exec >= 0) {
        // One that already has its number is an error for dup3.
        if (child->exec != next && (result = raw(SYS_dup3, child->exec, next, O_CLOEXEC, 0, 0)) < 0)
            return result;
        next++;
    }
    return raw(SYS_close_range, next, ~0U, 0, 0, 0);
}

void parley_child_describe(struct child *child, int group, unsigned long flags, struct clone_args *how)
{
    how->flags = CLONE_VM | CLONE_INTO_CGROUP | flags;
    how->pidfd = 0;
    how->child_tid = 0;
    how->parent_tid = 0;
    how->exit_signal = SIGCHLD;
    how->stack = (unsigned long)child->stack;
    how->stack_size = STACK;
    how->tls = 0;
    how->set_tid = 0;
    how->set_tid_size = 0;
    how->cgroup = (unsigned long)group;
}

// What the program gets: a session of its own, default signal dispositions, three descriptors.
void parley_child_run(void *argument)
{
    struct child *child = argument;
    const parley_start *start = &child->start;
    // Handlers are lost with the exec, but a signal may come before it.
    for (int number = 1; number < NSIG; number++)
        if (child->changed & 1UL << (number - 1)) set_disposition(number, SIG_DFL);
    raw(SYS_setsid, 0, 0, 0, 0, 0);
    end_with_keeper(child);
    // Before it can do anything: a program that kills the keeper at once must not pass for one that
    // never started.
    child->report.program = (pid_t)raw(SYS_getpid, 0, 0, 0, 0, 0);
    raw(SYS_umask, start->umask, 0, 0, 0, 0);
    if (child->limits.has_descriptors) set_limit(RLIMIT_NOFILE, &child->limits.descriptors);
    if (child->limits.has_cores) set_limit(RLIMIT_CORE, &child->limits.cores);
    // The keeper's are open until the exec, which it waits for.
    long result = child->keeper ? raw(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC, 0, 0)
                                : take_descriptors(child);
    if (result == 0 && child->entered >= 0) {
        result = parley_group_enter(child->entered);
        if (result < 0) child->report.cause = PARLEY_GROUP;
    }
    if (result == 0 && start->rights) {
        result = parley_take_programs_rights(start->rights);
        if (result < 0) child->report.cause = PARLEY_RIGHTS;
        // A change of user has cleared it.
        end_with_keeper(child);
    }
    if (result == 0) result = raw(SYS_chdir, (long)start->directory, 0, 0, 0, 0);
    if (result == 0) {
        set_mask(0);
        result = raw(
            SYS_execve, (long)start->path, (long)start->arguments, (long)start->environment, 0, 0);
    }
    child->report.failure = (int)-result;
    leave();
}

#pragma clang attribute pop
