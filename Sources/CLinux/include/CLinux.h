// What Swift's Glibc module lacks: epoll, eventfd, signalfd, timerfd, accept4, getopt_long, and how a command's
// processes are started and ended.
// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_H
#define CLINUX_H

// Feature macros stay out of this header: they would make Swift see types that differ from Glibc's own.
#include "Confinement.h"
#include "Packet.h"
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

// The word at that position of this process's command line, 0 being the program itself; null beyond
// the last.
const char *parley_argument(int index);

// Whether a signal is ignored.
int parley_is_ignored(int signal);

// epoll_event is packed, which Swift can't import: its fields are reached here.
typedef struct parley_epoll_event {
    unsigned int events;
    int fd;
} parley_epoll_event;

int parley_epoll_add(int epoll, int fd, unsigned int events);
int parley_epoll_change(int epoll, int fd, unsigned int events);
// At most 256 events; the array must hold as many. The result is epoll_wait's.
int parley_epoll_wait(int epoll, parley_epoll_event *events, int capacity, int milliseconds);
// Makes a timerfd readable at a time of the monotonic clock, in nanoseconds, replacing its previous
// time.
int parley_timerfd_set(int timer, long nanoseconds);
// The monotonic clock, in nanoseconds.
long parley_nanoseconds(void);

// getopt_long with its globals as values; `next` is optind, 0 at the start.
typedef struct parley_option {
    int code, next, unknown;
    const char *value;
} parley_option;
parley_option parley_getopt_long(
    int count, char *const *arguments, const char *shorts, const struct option *longs, int next);

// A descriptor that becomes readable when a process ends, or -1 with errno (pidfd_open(2)).
int parley_pidfd_open(int pid);
// open(2)'s flag for a descriptor that only refers to a file.
extern const int parley_o_path;
// fcntl(2)'s commands for locks that belong to what was opened, not to the process.
extern const int parley_ofd_setlk, parley_ofd_getlk;
// A file in memory only, to be filled and then sealed, after which nobody can change it (memfd_create(2)).
// Below zero, with errno, if that fails.
int parley_memory_file(const char *name);
int parley_seal(int fd);
// libedit's variadic calls (editline(3)), which Swift can't make, through the addresses of el_set and
// history.
int parley_el_set(void *el_set, void *editor, int operation, const void *value);
int parley_el_set_number(void *el_set, void *editor, int operation, int value);
int parley_el_set_words(
    void *el_set, void *editor, int operation, const char *first, const char *second);
int parley_el_set_history(
    void *el_set, void *editor, int operation, void *history, void *list);
int parley_el_set_prompt(void *el_set, void *editor, int operation, const void *prompt, int mark);
int parley_el_add_function(
    void *el_set, void *editor, int operation, const char *name, const char *help, const void *function);
int parley_history_number(void *history, void *list, int operation, int value);
int parley_history_text(void *history, void *list, int operation, const char *text);

int parley_accept4(int fd, struct sockaddr *address, socklen_t *length);
int parley_pipe(int ends[2]);
// Bytes that can currently be read from a pipe.
int parley_readable(int fd);

/** Lets a pipe hold so many bytes, if its user may have that. */
void parley_widen_pipe(int fd, int size);
/** How many bytes a pipe can hold. */
int parley_pipe_capacity(int fd);
// Raises the soft limit of open descriptors to the hard one; the result is that limit.
int parley_raise_descriptor_limit(void);
// No core dump, no crash handler, and no other process of this user may read this one's memory. Programs
// that are started get their core limit back.
void parley_forbid_dumps(void);

// Starts this process's own executable in a process group of its own, with these descriptors, numbered by their
// positions, and no others. Its one argument is the word; its environment is empty, or this process's. The result is its
// process ID or -errno.
pid_t parley_start_again(const char *word, int keeps_environment, const int *numbers, int count);
// What ps(1) shows; at most 15 bytes.
void parley_take_name(const char *name);
// Makes the kernel kill this process when the thread that started it ends. Below zero if that fails, or if `parent` is
// already gone. A change of user clears it.
int parley_end_with_parent(pid_t parent);

// What to start: strings in the form that execve(2) takes, and descriptors that are all above 2.
typedef struct parley_start {
    const char *path, *directory;
    char *const *arguments, *const *environment;
    int input, output, error_output;
    unsigned umask;
    // How long the command's processes have between SIGTERM and SIGKILL, in nanoseconds, if this process
    // ends before the command does.
    long grace;
    // Whether what the program leaves behind is left running when this process ends.
    int is_background;
    // Whether somebody is waiting to hear that it runs; otherwise that is reported within milliseconds, or
    // with its end.
    int is_waited_for;
    // The program's rights; null for those of this process. They must remain valid like the
    // strings.
    const parley_rights *rights;
    // The folder of the control group that the program is started in, which is removed afterwards; -1 for none.
    // The keeper stays outside, so that it outlives what it kills. `group_name` is the name of the folder,
    // shorter than PARLEY_GROUP_NAME bytes; null for none.
    int group;
    const char *group_name;
    // In bytes; 0 for no limit. Set by the keeper once the program has memory of its own: until its exec it shares
    // parleyd's, and whatever shares the memory of a process that is killed for lack of it is killed as well.
    long memory;
    // Which limits the group has, to report whether they were reached (PARLEY_OVER_MEMORY, …).
    int limits;
    // Set by parley_keeper_start.
    int control;
} parley_start;

enum { PARLEY_GROUP_NAME = 64 };

// Limits of a control group that were reached.
enum {
    // Part of the command was killed because of it.
    PARLEY_OVER_MEMORY = 1,
    // No more processes could be created.
    PARLEY_OVER_PROCESSES = 2,
};

// Why a program was not started.
enum {
    // The program itself, its directory, or no room for one more process.
    PARLEY_PROGRAM,
    // The kernel, or a system call filter, refuses what the keeper needs.
    PARLEY_KEEPER,
    // There is no /proc for this process's PID namespace that the keeper can use.
    PARLEY_PROC,
    // It can't be given the rights that were specified.
    PARLEY_RIGHTS,
    // It can't be put into its control group, or not with that group's limits.
    PARLEY_GROUP,
};

// What is known about a command; each report contains everything. `code` and `status` are waitid(2)'s si_code
// and si_status.
typedef struct parley_report {
    // The program's process ID.
    pid_t program;
    // Why it was not started: an errno, and one of the causes above.
    int failure, cause;
    // The program itself.
    int has_ended, code, status;
    // Nothing of the command is running any more, and how many processes were ended.
    int is_over, signalled;
    // Once it is over: which limits were reached, and whether there is something in its control group, which
    // then still exists.
    int reached, has_group;
} parley_report;

typedef struct parley_keeper {
    pid_t keeper;
    // Readable when there is a report, or the keeper has ended.
    int control;
    void *memory;
    // Why it was not started (an errno).
    int failure;
} parley_keeper;

enum {
    // SIGTERM, then SIGCONT, to every process of the command.
    PARLEY_TERMINATE = 'T',
    // SIGKILL to every process of the command, until none is left.
    PARLEY_KILL = 'K',
    // What is left may keep running; the command counts as over.
    PARLEY_LET_GO = 'L',
};

// Starts a program under a keeper of its own: in a session of its own, with the given standard descriptors and no others,
// default signal dispositions, and the limits that this process began with. It doesn't wait: the first report says
// whether the exec succeeded, and until then the strings must remain valid. If `failure` is set nothing is left of
// either.
parley_keeper parley_keeper_start(const parley_start *start);
// 1: a report; 0: none now; -1: the keeper has ended.
int parley_keeper_read(int control, parley_report *report);
// The process ID of the program that a killed keeper had begun to execute, whether or not it reported it; 0
// for none.
pid_t parley_keeper_program(const void *memory);
void parley_keeper_tell(int control, char wish);
// Reaps a keeper that has ended, and frees its memory; 0 if it has not ended.
int parley_keeper_reap(pid_t keeper, void *memory);

// A program that this process started without a keeper, as its own child. It takes clone3(2) and a control group that the
// program can't leave.
typedef struct parley_bare {
    pid_t program;
    // Readable when it has ended.
    int pidfd;
    // At its end when it is known whether the exec succeeded; -1 unless `is_waited_for` is set.
    int exec;
    void *memory;
    // Why it was not started (an errno): ENOSYS or EPERM if the kernel, or a system call filter, refuses it.
    int failure;
} parley_bare;

// Like parley_keeper_start, in the group. It doesn't wait for the exec either.
parley_bare parley_bare_start(const parley_start *start);
// Whether the exec has succeeded, or the process has ended. Until then the strings and the memory must remain valid.
int parley_bare_has_left(const void *memory);
// What its process has said before it left: `failure` and `cause`.
parley_report parley_bare_report(const void *memory);
void parley_bare_free(void *memory);

// Whether this process has children, or gets those of others that end: as process 1, or as a subreaper (prctl(2)).
int parley_may_inherit_children(void);
// A child that has ended and was not reaped yet, except keepers; 0 for none.
pid_t parley_ended_child(void);
// Reaps a child: 1 with its si_code and si_status (waitid(2)); 0 if it has not ended; -1 if there is none.
int parley_reap(pid_t child, int *code, int *status);

// For a control group, by a descriptor of its folder.

// Sends SIGKILL to everything in the group and below it, in one step that no fork can outrun. The result is 0 or -errno.
long parley_group_kill(int group);
// Sends SIGTERM, and SIGCONT to those that are stopped, to every process in the group once, as many times as new ones
// appear, within limits; the result is how many were alive. Takes as long as there are processes. `name` is the name of
// the folder, which no other group may have.
int parley_group_terminate(int group, const char *name);
// Which of the limits in the mask were reached (PARLEY_OVER_MEMORY, …).
int parley_group_reached(int group, int limits);

// Whether whoever manages a control group has delegated it (systemd's Delegate=), by its folder's path.
int parley_is_delegated(const char *path);

#endif
