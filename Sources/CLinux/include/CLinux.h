// What Swift's Glibc module lacks: epoll, eventfd, signalfd, timerfd, accept4, getopt_long, pidfd, and vfork.
// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_H
#define CLINUX_H

// Feature macros stay out of this header: they would make Swift see types that differ from Glibc's own.
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

// The word of that place on this process's command line, 0 the program's own; null beyond the last.
const char *parley_argument(int index);

// Whether a signal is ignored.
int parley_is_ignored(int signal);

// epoll_event is packed, which Swift can't import: its fields are reached here.
typedef struct parley_epoll_event {
    unsigned int events;
    int fd;
} parley_epoll_event;

int parley_epoll_add(int epoll, int fd, unsigned int events);
// At most 256 events; the array must hold as many. The result is epoll_wait's.
int parley_epoll_wait(int epoll, parley_epoll_event *events, int capacity, int milliseconds);
// Has a timerfd become readable at a time of the monotonic clock, in nanoseconds, instead of before.
int parley_timerfd_set(int timer, long nanoseconds);

// getopt_long with its globals as values; `next` is optind, 0 at the start.
typedef struct parley_option {
    int code, next, unknown;
    const char *value;
} parley_option;
parley_option parley_getopt_long(
    int count, char *const *arguments, const char *shorts, const struct option *longs, int next);

// open(2)'s flag for a descriptor that only stands for a file.
extern const int parley_o_path;
int parley_accept4(int fd, struct sockaddr *address, socklen_t *length);
int parley_pipe(int ends[2]);
// Bytes that can be read from a pipe now.
int parley_readable(int fd);
// Raises the soft limit of open descriptors to the hard one; the result is that limit.
int parley_raise_descriptor_limit(void);
// No core, no crash handler, and no other process of this user may read this one's memory. Programs that
// are started get the limit of cores back.
void parley_forbid_dumps(void);

// Starts a program in a session of its own: standard descriptors as given and no others, default
// signal dispositions, the umask as given, and the descriptor limit that this process began with. The result
// is its number, or below zero with errno.
pid_t parley_spawn(
    const char *path, char *const arguments[], char *const environment[], const char *directory,
    mode_t mask, int input, int output, int error_output);
int parley_pidfd_open(pid_t pid);
// How a child ended that may be left a zombie, as waitid(2) has it in si_code and si_status.
typedef struct parley_child_end {
    int has_ended, code, status;
} parley_child_end;
parley_child_end parley_peek_child(int pidfd);
long parley_nanoseconds(void);

#endif
