// How the reference starts programs.
// SPDX-License-Identifier: Apache-2.0
#ifndef START_H
#define START_H

#include <sys/types.h>

// A program, and this process's ends of its three pipes, which block.
struct program {
    pid_t pid;
    int pidfd, input, output, errors;
    // Its control group's folder and the number that is its name, if it is confined.
    int group;
    unsigned number;
};

// What a program of parleyd's is confined by: a control group, a user, and a domain for its signals.
struct confinement {
    // The folder that gets a control group for each program.
    int groups;
    // The user and group that each program runs as.
    unsigned user;
};

// Starts a program in a session of its own, without core files and with three pipes as its only descriptors. Returns
// when it runs; ends this process if it can't. `arguments` begins with its path and ends with a null pointer;
// `confinement` may be null.
void start_program(struct program *program, char **arguments, const struct confinement *confinement);

// Reaps a program that has ended, and closes what is still open of it; ends this process if the program failed.
void end_program(struct program *program, const struct confinement *confinement);

// Starts `arguments[0]` over and over, `sessions` at once for so many seconds, and prints a line of JSON.
int run_programs(int sessions, double seconds, char **arguments, const struct confinement *confinement);

#endif
