// How a keeper prepares itself, and starts its program.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Keeper.h"
#include "Text.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

// Whether the IDs that /proc shows are those that kill(2) takes: it may belong to another PID
// namespace.
static int sees_itself(pid_t self)
{
    char text[64];
    long length = raw(SYS_readlinkat, AT_FDCWD, (long)"/proc/self", (long)text, sizeof text, 0);
    long number = 0;
    for (long i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        number = number * 10 + (text[i] - '0');
    return number == self;
}

// Whether an earlier start has found both /proc and a group's cgroup.kill usable. Set by keepers, to the same value.
static int ends_by_group;

// Opens the list of the children. With a group that can be killed as a whole it is needed only if something has to be
// ended, and opening it would be a fiftieth of what the start costs. So it is then left for later, once it has been
// seen to work.
static long find_children(struct keeper *keeper)
{
    keeper->family.children = -1;
    if (keeper->group >= 0 && ends_by_group) return 0;
    long result = parley_family_open(&keeper->family);
    // If files can't be opened at all, /proc is not the cause.
    if (result != -EMFILE && result != -ENFILE && result != -ENOMEM)
        keeper->child.report.cause = PARLEY_PROC;
    if (result < 0) return result;
    if (!sees_itself(keeper->family.self)) return -ESRCH;
    if (keeper->group >= 0 && parley_group_can_be_killed(keeper->group)) ends_by_group = 1;
    return 0;
}

// The result is 0 or -errno; the report says what is to blame.
static long prepare(struct keeper *keeper)
{
    const parley_start *start = &keeper->child.start;
    keeper->child.report.cause = PARLEY_KEEPER;
    keeper->group = start->group;
    if (start->group_name) put(keeper->group_name, start->group_name);
    // None is ever handled except through the signalfd: the handlers are parleyd's.
    set_mask(~0UL);
    set_disposition(SIGCHLD, SIG_DFL);
    keeper->family.self = (pid_t)raw(SYS_getpid, 0, 0, 0, 0, 0);
    keeper->child.keeper = keeper->family.self;
    keeper->family.control = CONTROL;
    // It has its own name and process group, so that what is meant for parleyd does not end both: a
    // signal from a terminal or to a group, or killall(1). A session would have a scheduling group as
    // well.
    raw(SYS_prctl, PR_SET_NAME, (long)"parley-keeper", 0, 0, 0);
    raw(SYS_setpgid, 0, 0, 0, 0, 0);
    long result;
    if ((result = raw(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) < 0) return result;
    if ((result = raw(SYS_chdir, (long)"/", 0, 0, 0, 0)) < 0) return result;
    if (keeper->group == CONTROL) {
        // Before another one gets its number.
        result = raw(SYS_fcntl, keeper->group, F_DUPFD_CLOEXEC, GROUP, 0, 0);
        if ((keeper->group = (int)result) < 0) return result;
    }
    const int numbers[] = {
        start->input, start->output, start->error_output, start->control, keeper->group};
    int last = keeper->group < 0 ? CONTROL : GROUP;
    for (int i = 0; i <= last; i++) {
        // One that already has its number is an error for dup3.
        int flags = i >= CONTROL ? O_CLOEXEC : 0;
        if (numbers[i] == i) continue;
        if ((result = raw(SYS_dup3, numbers[i], i, flags, 0, 0)) < 0) return result;
    }
    if (keeper->group >= 0) keeper->group = GROUP;
    if ((result = raw(SYS_close_range, last + 1, ~0U, 0, 0, 0)) < 0) return result;
    unsigned long child = 1UL << (SIGCHLD - 1);
    result = raw(SYS_signalfd4, -1, (long)&child, sizeof child, SFD_CLOEXEC | SFD_NONBLOCK, 0);
    if ((keeper->signals = (int)result) < 0) return result;
    if ((result = find_children(keeper)) < 0) return result;
    keeper->child.report.cause = PARLEY_PROGRAM;
    return 0;
}

static long clone_program(struct keeper *keeper)
{
    struct child *child = &keeper->child;
    return raw_clone(CLONE_VM | SIGCHLD, child->stack + STACK, parley_child_run, child);
}

static long clone_into_group(struct keeper *keeper)
{
    struct clone_args how;
    parley_child_describe(&keeper->child, keeper->group, 0, &how);
    long result = raw_clone3(&how, sizeof how, parley_child_run, &keeper->child);
    if (result == -ENOSYS || result == -EPERM) {
        // A container's system call filter can't look into clone3's arguments, and refuses it.
        keeper->child.entered = keeper->group;
        return clone_program(keeper);
    }
    if (result < 0 && result != -EAGAIN && result != -ENOMEM) keeper->child.report.cause = PARLEY_GROUP;
    return result;
}

// Without CLONE_VFORK: while a file system holds up the exec, parleyd may want it ended, or be gone, and a program
// that was ended before its exec must not run after it. The result is its process ID or -errno.
static long start_program(struct keeper *keeper)
{
    int ends[2];
    long result = raw(SYS_pipe2, (long)ends, O_CLOEXEC, 0, 0, 0);
    if (result < 0) return result;
    keeper->exec = ends[0];
    result = keeper->group < 0 ? clone_program(keeper) : clone_into_group(keeper);
    raw(SYS_close, ends[1], 0, 0, 0, 0);
    return result;
}

void parley_keeper_run(void *argument)
{
    struct keeper *keeper = argument;
    long result = prepare(keeper);
    if (result == 0) result = start_program(keeper);
    if (result < 0) {
        keeper->child.report.failure = (int)-result;
        give_group_up(keeper);
        tell(keeper);
        leave();
    }
    keeper->program = (pid_t)result;
    raw(SYS_close_range, 0, 2, 0, 0, 0);
    parley_keeper_keep(keeper);
}

#pragma clang attribute pop
