// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Limits.h"
#include "CLinux.h"
#include <sys/prctl.h>

struct limits parley_original_limits;

int parley_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return 0;
    parley_original_limits.descriptors = limit;
    parley_original_limits.has_descriptors = 1;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1 << 30 ? 1 << 30 : (int)limit.rlim_cur;
}

void parley_forbid_dumps(void)
{
    // Swift's runtime has installed its own there, unless a signal was ignored.
    const int crashes[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    struct sigaction present, standard = {.sa_handler = SIG_DFL};
    for (unsigned i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (!sigaction(crashes[i], NULL, &present) && present.sa_handler != SIG_IGN)
            sigaction(crashes[i], &standard, NULL);
    struct rlimit *cores = &parley_original_limits.cores;
    if (!getrlimit(RLIMIT_CORE, cores)) {
        parley_original_limits.has_cores = 1;
        // Only the soft one: nobody but root could restore the hard one.
        struct rlimit none = {.rlim_cur = 0, .rlim_max = cores->rlim_max};
        setrlimit(RLIMIT_CORE, &none);
    }
    parley_original_limits.is_sealed = 1;
    prctl(PR_SET_DUMPABLE, 0);
}
