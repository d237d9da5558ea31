// How the reference starts programs.
// SPDX-License-Identifier: Apache-2.0
#ifndef START_H
#define START_H

#include <sys/types.h>

// A program, and this process's ends of its three pipes, which block.
struct program {
    pid_t pid;
    int pidfd, input, output, errors;
};

// Starts a program in a session of its own, without core files and with three pipes as its only descriptors. Returns
// when it runs; ends this process if it can't. `arguments` begins with its path and ends with a null pointer.
void start_program(struct program *program, char **arguments);

// Reaps a program that has ended, and closes what is still open of it; ends this process if the program failed.
void end_program(struct program *program);

// Starts `arguments[0]` over and over, `sessions` at once for so many seconds, and prints a line of JSON.
int run_programs(int sessions, double seconds, char **arguments);

#endif
