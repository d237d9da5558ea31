// A command's control group, as whoever ends it sees it: a folder of a cgroup v2 hierarchy (cgroups(7)).
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_GROUP_H
#define PARLEY_GROUP_H

#include "CLinux.h"

// Moves the calling process into the group. The result is 0 or -errno, as below.
long parley_group_enter(int group);
// Whether the kernel can do that (from 5.14).
int parley_group_can_be_killed(int group);
// Whatever already exceeds the limit is ended.
long parley_group_bound_memory(int group, long bytes);
// Removes it, if it is empty.
long parley_group_remove(int group, const char *name);

#endif
