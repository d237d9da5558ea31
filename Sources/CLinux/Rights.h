// What programs get of parley_take_rights.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_RIGHTS_H
#define PARLEY_RIGHTS_H

#include "CLinux.h"

// The same without emptying the bounding set, which takes half of the time: under no_new_privs no execve(2) gives what
// isn't there already, and whoever makes a user namespace gets a full one.
long parley_take_programs_rights(const parley_rights *rights);
// Has the calling thread give its capabilities up. The result is 0 or -errno.
long parley_drop_capabilities(void);

#endif
