// Starts this process's own executable again.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

// Copies of the descriptors, above all of the child's, so that none is overwritten before it has been copied.
static int copy_above(const int *numbers, int count, int *copies)
{
    for (int i = 0; i < count; i++)
        if ((copies[i] = fcntl(numbers[i], F_DUPFD_CLOEXEC, count)) < 0) return -errno;
    return 0;
}

static int spawn(
    const char *const *paths, char *const *arguments, char *const *environment, const int *copies, int count)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure) return -failure;
    if ((failure = posix_spawnattr_init(&attributes))) {
        posix_spawn_file_actions_destroy(&actions);
        return -failure;
    }
    for (int i = 0; i < count && !failure; i++)
        failure = posix_spawn_file_actions_adddup2(&actions, copies[i], i);
    if (!failure) failure = posix_spawn_file_actions_addclosefrom_np(&actions, count);
    // Not this process's own, which a terminal signals as a whole.
    if (!failure) failure = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t child = 0;
    if (!failure) {
        failure = ENOENT;
        for (int i = 0; i < 2 && failure == ENOENT; i++)
            if (paths[i]) failure = posix_spawn(&child, paths[i], &actions, &attributes, arguments, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure ? -failure : child;
}

pid_t parley_start_again(const char *word, int keeps_environment, const int *numbers, int count)
{
    int *copies = malloc((size_t)count * sizeof *copies);
    if (!copies) return -ENOMEM;
    for (int i = 0; i < count; i++) copies[i] = -1;
    char *none[] = {NULL}, *arguments[] = {"parleyd", (char *)(uintptr_t)word, NULL};
    // The running executable, wherever it is by now; without /proc, the one that was started.
    const char *started = (const char *)getauxval(AT_EXECFN), *paths[] = {"/proc/self/exe", started};
    // Under valgrind that is valgrind.
    if (keeps_environment && started) paths[0] = started;
    int result = copy_above(numbers, count, copies);
    if (!result) result = spawn(paths, arguments, keeps_environment ? environ : none, copies, count);
    for (int i = 0; i < count; i++)
        if (copies[i] >= 0) close(copies[i]);
    free(copies);
    return result;
}

void parley_take_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int parley_end_with_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) return -errno;
    return getppid() == parent ? 0 : -ESRCH;
}
