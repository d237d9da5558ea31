// How a keeper prepares itself, and starts its program.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Keeper.h"
#include "Rights.h"
#include "Text.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma clang attribute push( \
    __attribute__((no_sanitize("address", "thread", "undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

// The kernel's version: all of its fields are longs.
static void set_disposition(int signal, void (*handler)(int))
{
    long action[8];
    for (int i = 0; i < 8; i++) action[i] = 0;
    action[0] = (long)handler;
    raw(SYS_rt_sigaction, signal, (long)action, 0, 8, 0);
}

static void set_mask(unsigned long mask)
{
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask, 0);
}

static void set_limit(int which, const struct rlimit *limit)
{
    raw(SYS_prlimit64, 0, which, (long)limit, 0, 0);
}

// The keeper has one thread, so this ends it and nothing else.
static void end_with_keeper(const struct keeper *keeper)
{
    raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (raw(SYS_getppid, 0, 0, 0, 0, 0) != keeper->family.self) leave();
}

// What the program gets: a session of its own, default signal dispositions, three descriptors.
static void program(void *argument)
{
    struct keeper *keeper = argument;
    const parley_start *start = &keeper->start;
    // Handlers are lost with the exec, but a signal may come before it.
    for (int number = 1; number < NSIG; number++)
        if (keeper->changed & 1UL << (number - 1)) set_disposition(number, SIG_DFL);
    raw(SYS_setsid, 0, 0, 0, 0, 0);
    end_with_keeper(keeper);
    // Before it can do anything: a program that kills the keeper at once must not pass for one that
    // never started.
    keeper->report.program = (pid_t)raw(SYS_getpid, 0, 0, 0, 0, 0);
    raw(SYS_umask, start->umask, 0, 0, 0, 0);
    if (keeper->limits.has_descriptors) set_limit(RLIMIT_NOFILE, &keeper->limits.descriptors);
    if (keeper->limits.has_cores) set_limit(RLIMIT_CORE, &keeper->limits.cores);
    // Open until the exec, which the keeper waits for.
    long result = raw(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC, 0, 0);
    if (result == 0 && keeper->enters) {
        result = parley_group_enter(keeper->group);
        if (result < 0) keeper->report.cause = PARLEY_GROUP;
    }
    if (result == 0 && start->rights) {
        result = parley_take_programs_rights(start->rights);
        if (result < 0) keeper->report.cause = PARLEY_RIGHTS;
        // A change of user has cleared it.
        end_with_keeper(keeper);
    }
    if (result == 0) result = raw(SYS_chdir, (long)start->directory, 0, 0, 0, 0);
    if (result == 0) {
        set_mask(0);
        result = raw(
            SYS_execve, (long)start->path, (long)start->arguments, (long)start->environment, 0, 0);
    }
    keeper->report.failure = (int)-result;
    leave();
}

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
// ended, and opening it would be a fiftieth of what the start costs. So it is then left for later, once it has been seen to
// work.
static long find_children(struct keeper *keeper)
{
    keeper->family.children = -1;
    if (keeper->group >= 0 && ends_by_group) return 0;
    long result = parley_family_open(&keeper->family);
    // If files can't be opened at all, /proc is not the cause.
    if (result != -EMFILE && result != -ENFILE && result != -ENOMEM)
        keeper->report.cause = PARLEY_PROC;
    if (result < 0) return result;
    if (!sees_itself(keeper->family.self)) return -ESRCH;
    if (keeper->group >= 0 && parley_group_can_be_killed(keeper->group)) ends_by_group = 1;
    return 0;
}

// The result is 0 or -errno; the report says what is to blame.
static long prepare(struct keeper *keeper)
{
    const parley_start *start = &keeper->start;
    keeper->report.cause = PARLEY_KEEPER;
    keeper->group = start->group;
    if (start->group_name) put(keeper->group_name, start->group_name);
    // None is ever handled except through the signalfd: the handlers are parleyd's.
    set_mask(~0UL);
    set_disposition(SIGCHLD, SIG_DFL);
    keeper->family.self = (pid_t)raw(SYS_getpid, 0, 0, 0, 0, 0);
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
    keeper->report.cause = PARLEY_PROGRAM;
    return 0;
}

static long clone_program(struct keeper *keeper)
{
    return raw_clone(CLONE_VM | SIGCHLD, keeper->program_stack + STACK, program, keeper);
}

// It is never outside its group: being moved takes ten times as long.
static long clone_into_group(struct keeper *keeper)
{
    struct clone_args how;
    how.flags = CLONE_VM | CLONE_INTO_CGROUP;
    how.pidfd = 0;
    how.child_tid = 0;
    how.parent_tid = 0;
    how.exit_signal = SIGCHLD;
    how.stack = (unsigned long)keeper->program_stack;
    how.stack_size = STACK;
    how.tls = 0;
    how.set_tid = 0;
    how.set_tid_size = 0;
    how.cgroup = (unsigned long)keeper->group;
    long result = raw_clone3(&how, sizeof how, program, keeper);
    if (result == -ENOSYS || result == -EPERM) {
        // A container's system call filter can't look into clone3's arguments, and refuses it.
        keeper->enters = 1;
        return clone_program(keeper);
    }
    if (result < 0 && result != -EAGAIN && result != -ENOMEM) keeper->report.cause = PARLEY_GROUP;
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
        keeper->report.failure = (int)-result;
        give_group_up(keeper);
        tell(keeper);
        leave();
    }
    keeper->program = (pid_t)result;
    raw(SYS_close_range, 0, 2, 0, 0, 0);
    parley_keeper_keep(keeper);
}

#pragma clang attribute pop
