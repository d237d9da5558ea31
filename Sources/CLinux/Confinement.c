// What a process gives up besides files and system calls.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include "Limits.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int parley_is_alone(void)
{
    // Changes nothing, and fails if there are other threads (unshare(2)).
    if (unshare(CLONE_THREAD) == 0) return 1;
    if (errno == EINVAL) return 0;
    // Many containers refuse the call. A folder has two links besides those of the threads.
    struct stat tasks;
    if (stat("/proc/self/task", &tasks)) return -errno;
    return tasks.st_nlink == 3;
}

int parley_gains_nothing(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }

void parley_wipe_environment(void)
{
    for (char **entry = environ; entry && *entry; entry++) explicit_bzero(*entry, strlen(*entry));
    // Not null, which clearenv(3) makes it, and which not all code that walks it expects.
    static char *empty[] = {NULL};
    environ = empty;
}

static int close_limit(__rlimit_resource_t which)
{
    const struct rlimit none = {0, 0};
    return setrlimit(which, &none) ? -errno : 0;
}

int parley_close_limits(int seals)
{
    // Writing to a file as standard error then fails, instead of ending the process at its first
    // line.
    signal(SIGXFSZ, SIG_IGN);
    if (seals) parley_forbid_dumps();
    int result = close_limit(RLIMIT_CORE);
    return result ? result : close_limit(RLIMIT_FSIZE);
}

int parley_close_processes(void) { return close_limit(RLIMIT_NPROC); }
