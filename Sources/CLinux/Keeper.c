// The keeper: a small process for each command, between parleyd and the program. It is the parent of the program and
// the subreaper of whatever that starts (PR_SET_CHILD_SUBREAPER), so that nothing of the command can leave its
// descendants, and waitid(2) reports ECHILD if and only if nothing of it is left. It ends everything when it is told
// to, or when parleyd is gone.
//
// It runs in parleyd's memory (CLONE_VM) on a stack of its own, which costs a tenth of copying parleyd's page tables,
// and alongside parleyd's threads, none of which waits for the exec. So it makes only raw system calls.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Keeper.h"
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <time.h>

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

static long now(void)
{
    struct timespec time;
    raw(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0, 0);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

// It must not continue without its limit.
static void bound_memory(struct keeper *keeper)
{
    if (!keeper->child.start.memory) return;
    long result = parley_group_bound_memory(keeper->group, keeper->child.start.memory);
    if (result == 0) return;
    parley_group_kill(keeper->group);
    keeper->child.report.cause = PARLEY_GROUP;
    keeper->child.report.failure = (int)-result;
}

// The program is running, or never will be.
static void settle_start(struct keeper *keeper)
{
    raw(SYS_close, keeper->exec, 0, 0, 0, 0);
    keeper->exec = -1;
    if (!keeper->child.report.failure) bound_memory(keeper);
    if (!keeper->child.report.failure) {
        if (!keeper->due) tell(keeper);
        return;
    }
    raw(SYS_waitid, P_PID, keeper->program, 0, WEXITED | __WALL, 0);
    give_group_up(keeper);
    tell(keeper);
    leave();
}

// Reaps what has ended; the result is how many. Reports what there is to report about the program, and exits
// when nothing of the command is left.
static int reap(struct keeper *keeper)
{
    int count = 0, has_news = 0;
    for (;;) {
        siginfo_t info;
        info.si_pid = 0;
        long result = raw(SYS_waitid, P_ALL, 0, (long)&info, WEXITED | WNOHANG | __WALL, 0);
        if (result == -EINTR) continue;
        if (result == -ECHILD) {
            keeper->child.report.is_over = 1;
            keeper->child.report.signalled = keeper->family.signalled;
            give_group_up(keeper);
            tell(keeper);
            leave();
        }
        if (result || !info.si_pid) break;
        count++;
        if (info.si_pid != keeper->program) continue;
        if (keeper->exec >= 0) settle_start(keeper);
        keeper->child.report.has_ended = has_news = 1;
        keeper->child.report.code = info.si_code;
        keeper->child.report.status = info.si_status;
    }
    if (has_news) tell(keeper);
    return count;
}

static void begin_killing(struct keeper *keeper)
{
    keeper->phase = KILLING;
    // A process that has left the group with root's rights is found in the rounds that follow. They are the only
    // means on kernels older than 5.14.
    if (keeper->group < 0 || parley_group_kill(keeper->group) < 0)
        parley_family_signal(&keeper->family, SIGKILL);
    if (keeper->group < 0 || !keeper->child.start.limits) return;
    // It may take long until nothing is left, or never happen.
    keeper->child.report.reached = parley_group_reached(keeper->group, keeper->child.start.limits);
    tell(keeper);
}

// Receives parleyd's requests, or notices that it is gone; the result is whether it is there.
static int obey(struct keeper *keeper)
{
    char wish = 0;
    long length = raw(SYS_read, CONTROL, (long)&wish, 1, 0, 0);
    if (length == -EINTR) return 1;
    int is_there = length == 1;
    if (wish == PARLEY_LET_GO || (!is_there && keeper->child.start.is_background && keeper->child.report.has_ended)) {
        keeper->child.report.is_over = 1;
        give_group_up(keeper);
        tell(keeper);
        leave();
    }
    if (wish == PARLEY_KILL) {
        begin_killing(keeper);
    } else if (keeper->phase == WATCHING) {
        keeper->phase = TERMINATING;
        parley_family_signal(&keeper->family, SIGTERM);
    }
    return is_there;
}

void parley_keeper_keep(struct keeper *keeper)
{
    int is_alone = 0;
    // When SIGKILL is due, if nobody is there to ask for it.
    long due = 0, pause = 10 * MILLISECOND;
    // For a program that ends at once both are reported together.
    if (!keeper->child.start.is_waited_for) keeper->due = now() + 5 * MILLISECOND;
    for (;;) {
        int count = reap(keeper);
        long wait = -1;
        if (keeper->phase == KILLING) {
            parley_family_kill_children(&keeper->family);
            if (count) {
                // A process that starts others as it ends leaves no time to wait.
                pause = 10 * MILLISECOND;
                wait = MILLISECOND;
            } else {
                // Processes that can't be killed may have children that can.
                parley_family_signal(&keeper->family, SIGKILL);
                wait = pause;
                if (pause < 1000L * MILLISECOND) pause *= 2;
            }
        } else if (is_alone) {
            wait = due - now();
            if (wait <= 0) {
                begin_killing(keeper);
                continue;
            }
        }
        if (keeper->due) {
            long left = keeper->due - now();
            if (left > 0) {
                if (wait < 0 || left < wait) wait = left;
            } else {
                keeper->due = 0;
                if (keeper->exec < 0) tell(keeper);
            }
        }
        struct pollfd events[3];
        events[0].fd = is_alone ? -1 : CONTROL;
        events[0].events = POLLIN;
        events[0].revents = 0;
        events[1].fd = keeper->signals;
        events[1].events = POLLIN;
        events[1].revents = 0;
        // A limit has to be set at once.
        events[2].fd = keeper->due && !keeper->child.start.memory ? -1 : keeper->exec;
        events[2].events = POLLIN;
        events[2].revents = 0;
        struct timespec limit;
        limit.tv_sec = wait / 1000000000L;
        limit.tv_nsec = wait % 1000000000L;
        raw(SYS_ppoll, (long)events, 3, wait < 0 ? 0 : (long)&limit, 0, 0);
        // However many children there are, SIGCHLD is pending once.
        struct signalfd_siginfo signal;
        raw(SYS_read, keeper->signals, (long)&signal, sizeof signal, 0, 0);
        if (events[2].revents) settle_start(keeper);
        if (events[0].revents && !obey(keeper)) {
            is_alone = 1;
            due = now() + keeper->child.start.grace;
        }
    }
}

#pragma clang attribute pop
