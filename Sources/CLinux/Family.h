// The descendants of a keeper: who they are, and signals to all of them.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_FAMILY_H
#define PARLEY_FAMILY_H

#include <sys/types.h>

enum {
    // See parley_family_signal.
    MOST_SEEN = 8192,
    MOST_WAITING = 4096,
    CHUNK = 4096,
};

// A process that was signalled, told from a later one of its number by when it started.
struct member {
    pid_t pid;
    unsigned since;
};

// A process whose children are still to be looked at; `pidfd` tells whether it is still that one.
struct waiting {
    pid_t pid;
    int pidfd;
};

struct family {
    // Of the calling process.
    pid_t self;
    // `/proc/thread-self/children`.
    int children;
    // Where SIGKILL is asked for, for which SIGTERM must not be waited for: programs that start others without end
    // keep whoever looks for them busy.
    int control;
    // How many were alive when they were first signalled.
    int signalled;
    int seen_count, waiting_count;
    struct member seen[MOST_SEEN];
    struct waiting waiting[MOST_WAITING];
    char list[CHUNK], folder[CHUNK], text[CHUNK];
};

// Sends SIGTERM, and SIGCONT for those that are stopped, to every descendant once; or SIGKILL to all.
//
// It meets MOST_SEEN processes at most, the children of MOST_WAITING, and of those only as many as RLIMIT_NOFILE has
// descriptors for, since each is held by a pidfd until its children were met. Who isn't met gets no SIGTERM and has no
// grace time, and isn't counted: it gets SIGKILL alone, at the latest as a child of the keeper's, which it becomes when
// its parents are killed.
void parley_family_signal(struct family *family, int signal);
// Sends SIGKILL to the direct children. None of their numbers can be another's, since only the caller
// takes their zombies away.
void parley_family_kill_children(struct family *family);

#endif
