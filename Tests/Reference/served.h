// Programs that are run for clients by two processes, as parleyd's are: what that costs at least.
// SPDX-License-Identifier: Apache-2.0
//
// The one has the connections and reads what programs write; it is told of a program's pipes and of its end. The other
// one, the starter, starts and reaps the programs, and writes a line of a trail before each start and after each end.
#ifndef SERVED_H
#define SERVED_H

#include "start.h"

// Forks the starter, before this process has read anything; returns this process's end of the channel to it.
// `confinement` may be null.
int begin_starter(char **arguments, const struct confinement *confinement, int trail);

// Has each message of a session's run a program by the starter.
void use_starter(int channel);

#endif
