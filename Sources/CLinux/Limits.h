// The limits that this process began with, for the programs that it starts.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_LIMITS_H
#define PARLEY_LIMITS_H

#include <sys/resource.h>

struct limits {
    int has_descriptors, has_cores;
    // Whether this process's memory was made unreadable for others.
    int is_sealed;
    struct rlimit descriptors, cores;
};

extern struct limits parley_original_limits;

#endif
