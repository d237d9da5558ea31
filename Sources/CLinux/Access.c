// What another user may do with a path. The kernel is asked, since nothing else knows about ACLs and mount options.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include "Limits.h"
#include "Raw.h"
#include "Rights.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDS_STACK = 32 << 10 };

struct question {
    const parley_rights *rights;
    const char *path;
    int mode;
    long result;
    int has_become;
};

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

// They report no errors: what counts is the value that the next call reports as the previous one.
static long set_for_files(long number, unsigned value)
{
    raw(number, value, 0, 0, 0, 0);
    return (unsigned)raw(number, -1, 0, 0, 0, 0) == value ? 0 : -EPERM;
}

static void answer(void *argument)
{
    struct question *question = argument;
    const parley_rights *rights = question->rights;
    long result = raw(SYS_setgroups, rights->group_count, (long)rights->groups, 0, 0, 0);
    if (result == 0) result = set_for_files(SYS_setfsgid, rights->group);
    if (result == 0) result = set_for_files(SYS_setfsuid, rights->user);
    // As in parley_take_rights: the memory is shared, and the change made it readable for others.
    if (parley_original_limits.is_sealed) raw(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (result == 0 && !(rights->may_gain && rights->user == 0)) result = parley_drop_capabilities();
    question->has_become = result == 0;
    if (result == 0)
        result = raw(
            SYS_faccessat2, AT_FDCWD, (long)question->path, question->mode, AT_EACCESS, 0);
    question->result = result;
    for (;;) raw(SYS_exit_group, 0, 0, 0, 0, 0);
}

#pragma clang attribute pop

int parley_access_as(const parley_rights *rights, const char *path, int mode, int *has_become)
{
    struct question question = {.rights = rights, .path = path, .mode = mode, .result = -EINTR};
    *has_become = 0;
    char *stack = malloc(CHILDS_STACK);
    if (!stack) return -ENOMEM;
    sigset_t all, before;
    sigfillset(&all);
    // A signal that it received there would be handled in this memory.
    pthread_sigmask(SIG_BLOCK, &all, &before);
    // No signal reports its end, so nobody who waits for any child reaps it.
    long child = raw_clone(CLONE_VM | CLONE_VFORK, stack + CHILDS_STACK, answer, &question);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child < 0) question.result = child;
    else
        while (waitpid((pid_t)child, NULL, __WALL) < 0 && errno == EINTR) continue;
    free(stack);
    *has_become = question.has_become;
    return (int)question.result;
}
