// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Limits.h"
#include "CLinux.h"
#include <sys/prctl.h>
#include <sys/resource.h>

static struct rlimit original_limit;

int parley_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return 0;
    original_limit = limit;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1 << 30 ? 1 << 30 : (int)limit.rlim_cur;
}

static struct rlimit original_core_limit;
static int has_original_core_limit;

void parley_forbid_dumps(void)
{
    // Swift's runtime has put its own there, but where a signal was ignored.
    const int crashes[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    struct sigaction present, standard = {.sa_handler = SIG_DFL};
    for (unsigned i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (!sigaction(crashes[i], NULL, &present) && present.sa_handler != SIG_IGN)
            sigaction(crashes[i], &standard, NULL);
    if (!getrlimit(RLIMIT_CORE, &original_core_limit)) {
        has_original_core_limit = 1;
        // The soft one only: nobody but root could give the hard one back.
        struct rlimit none = {.rlim_cur = 0, .rlim_max = original_core_limit.rlim_max};
        setrlimit(RLIMIT_CORE, &none);
    }
    prctl(PR_SET_DUMPABLE, 0);
}

void parley_restore_limits(void)
{
    if (original_limit.rlim_max) setrlimit(RLIMIT_NOFILE, &original_limit);
    if (has_original_core_limit) setrlimit(RLIMIT_CORE, &original_core_limit);
}
