// The limits that this process began with, for the programs that it starts.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_LIMITS_H
#define PARLEY_LIMITS_H

// In a program that is about to run.
void parley_restore_limits(void);

#endif
