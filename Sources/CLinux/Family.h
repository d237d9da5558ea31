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
    MOST_ROUNDS = 16,
};

// A process that was signalled, distinguished by its start time from a later one with the same ID.
struct member {
    pid_t pid;
    unsigned since;
};

// A process whose children have yet to be visited; `pidfd` shows whether it is still that one.
struct waiting {
    pid_t pid;
    int pidfd;
};

struct family {
    // That of the calling process.
    pid_t self;
    // `/proc/thread-self/children`; below zero until it is opened.
    int children;
    // Readable when SIGKILL is requested, which must not wait for SIGTERM: programs that start others without end
    // keep whoever looks for them busy.
    int control;
    // How many were alive when they were first signalled.
    int signalled;
    int seen_count, waiting_count;
    struct member seen[MOST_SEEN];
    struct waiting waiting[MOST_WAITING];
    char list[CHUNK], folder[CHUNK], text[CHUNK];
};

// Opens the list of the children, which is opened when it is needed otherwise. The result is 0 or -errno.
long parley_family_open(struct family *family);
// Sends SIGTERM, and SIGCONT to those that are stopped, to every descendant once; or SIGKILL to all.
//
// It visits at most MOST_SEEN processes and the children of MOST_WAITING, and of those only as many as RLIMIT_NOFILE
// allows descriptors for, since a pidfd holds each until its children were visited. A process that isn't visited gets
// no SIGTERM and no grace time, and isn't counted: it gets only SIGKILL, at the latest as a child of the keeper, which
// it becomes when its parents are killed.
void parley_family_signal(struct family *family, int signal);
// The same to every process in a control group with a name of its own, once; for this it needs only `signalled`,
// `seen_count` and the buffers.
void parley_family_signal_group(struct family *family, int group, const char *name, int signal);
// Sends SIGKILL to the direct children. None of their IDs can have been reused, since only the caller
// reaps them.
void parley_family_kill_children(struct family *family);

#endif
