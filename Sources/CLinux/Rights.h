// The part of parley_take_rights that programs get.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_RIGHTS_H
#define PARLEY_RIGHTS_H

#include "CLinux.h"

// The same without emptying the bounding set, which takes half of the time: under no_new_privs execve(2) grants
// nothing that isn't there already, and a process that creates a user namespace gets a full one.
long parley_take_programs_rights(const parley_rights *rights);
// Makes the calling thread give up its capabilities. The result is 0 or -errno.
long parley_drop_capabilities(void);

#endif
