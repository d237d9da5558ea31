// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include "Family.h"
#include "Raw.h"
#include "Text.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

// MARK: Files

static int open_file(const char *path)
{
    return (int)raw(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0);
}

static void close_file(int fd) { raw(SYS_close, fd, 0, 0, 0, 0); }

// The number in a file that contains nothing else.
struct numbers {
    int fd;
    long at, end;
    char *buffer;
};

// Field by field, here and elsewhere in this file: an initializer may be compiled to a call of
// memset.
static void begin(struct numbers *numbers, int fd, char *buffer)
{
    numbers->fd = fd;
    numbers->at = 0;
    numbers->end = 0;
    numbers->buffer = buffer;
}

// 0 after the last.
static pid_t next_number(struct numbers *numbers)
{
    pid_t value = 0;
    int has_digits = 0;
    for (;;) {
        if (numbers->at == numbers->end) {
            numbers->at = 0;
            numbers->end = raw(SYS_read, numbers->fd, (long)numbers->buffer, CHUNK, 0, 0);
            if (numbers->end <= 0) {
                numbers->end = 0;
                return value;
            }
        }
        char character = numbers->buffer[numbers->at++];
        if (is_digit(character)) {
            value = value * 10 + (character - '0');
            has_digits = 1;
        } else if (has_digits) {
            return value;
        }
    }
}

// MARK: One process

struct status {
    pid_t parent;
    unsigned flags, since;
};

// PF_EXITING (linux/sched.h): it is ending by itself. Its descriptors close a moment before it is a zombie, so
// otherwise whoever wrote the last output would be counted among the ended.
enum { IS_EXITING = 4 };

// proc(5): the name, which may contain anything, is in parentheses before the third field.
static int read_status(char *text, pid_t pid, struct status *status)
{
    char path[64];
    put(put_number(put(path, "/proc/"), pid), "/stat");
    int fd = open_file(path);
    if (fd < 0) return 0;
    long length = raw(SYS_read, fd, (long)text, CHUNK, 0, 0);
    close_file(fd);
    long at = length;
    while (at > 0 && text[at - 1] != ')') at--;
    if (at <= 0 || at + 1 >= length) return 0;
    status->parent = 0;
    status->flags = 0;
    status->since = 0;
    int field = 2;
    for (; at < length && field <= 22; at++) {
        if (text[at] == ' ') field++;
        else if (is_digit(text[at]) && field == 4)
            status->parent = status->parent * 10 + (text[at] - '0');
        else if (is_digit(text[at]) && field == 9)
            status->flags = status->flags * 10 + (unsigned)(text[at] - '0');
        else if (is_digit(text[at]) && field == 22)
            status->since = status->since * 10 + (unsigned)(text[at] - '0');
    }
    return 1;
}

static long send_signal(int pidfd, int signal)
{
    return raw(SYS_pidfd_send_signal, pidfd, signal, 0, 0, 0);
}

// Whether it has not been seen before.
static int meet(struct family *family, pid_t pid, const struct status *status)
{
    for (int i = 0; i < family->seen_count; i++)
        if (family->seen[i].pid == pid && family->seen[i].since == status->since) return 0;
    if (family->seen_count == MOST_SEEN) return 0;
    struct member *member = &family->seen[family->seen_count++];
    member->pid = pid;
    member->since = status->since;
    return 1;
}

// Signals a process, once with SIGTERM; the result is whether it has not been met before.
static int strike(
    struct family *family, pid_t pid, int pidfd, const struct status *status, int signal)
{
    int is_new = meet(family, pid, status);
    if (!is_new && signal != SIGKILL) return 0;
    long result = send_signal(pidfd, signal);
    // A stopped process would not notice.
    if (signal == SIGTERM) send_signal(pidfd, SIGCONT);
    if (is_new && result == 0 && !(status->flags & IS_EXITING)) family->signalled++;
    return is_new;
}

// Signals a child of `parent`, and queues its own children.
//
// A process ID may have been reused. The pidfd belongs to whoever had it when it was opened; if that process is still
// there, what /proc says afterwards is about it; and if the parent is still there after that, the parent that /proc
// names is that parent.
static int visit(struct family *family, pid_t pid, const struct waiting *parent, int signal)
{
    int pidfd = (int)raw(SYS_pidfd_open, pid, 0, 0, 0, 0);
    if (pidfd < 0) return 0;
    struct status status;
    if (!read_status(family->text, pid, &status) || status.parent != parent->pid
        || (parent->pidfd >= 0 && send_signal(parent->pidfd, 0) == -ESRCH)) {
        close_file(pidfd);
        return 0;
    }
    int is_new = strike(family, pid, pidfd, &status, signal);
    if (family->waiting_count < MOST_WAITING) {
        struct waiting *waiting = &family->waiting[family->waiting_count++];
        waiting->pid = pid;
        waiting->pidfd = pidfd;
    } else {
        close_file(pidfd);
    }
    return is_new;
}

// MARK: All of them

static int visit_list(struct family *family, int fd, const struct waiting *parent, int signal)
{
    struct numbers numbers;
    begin(&numbers, fd, family->list);
    int met = 0;
    for (pid_t pid; (pid = next_number(&numbers)) > 0;)
        met += visit(family, pid, parent, signal);
    return met;
}

// Each thread has the children that it started.
static int visit_children(struct family *family, const struct waiting *parent, int signal)
{
    char path[96];
    char *end = put(put_number(put(path, "/proc/"), parent->pid), "/task");
    int folder = open_file(path), met = 0;
    if (folder < 0) return 0;
    for (;;) {
        long length = raw(SYS_getdents64, folder, (long)family->folder, CHUNK, 0, 0);
        if (length <= 0) break;
        for (long at = 0; at < length;) {
            struct dirent64 *entry = (struct dirent64 *)(family->folder + at);
            at += entry->d_reclen;
            if (!is_digit(entry->d_name[0])) continue;
            put(put(put(end, "/"), entry->d_name), "/children");
            int fd = open_file(path);
            if (fd < 0) continue;
            met += visit_list(family, fd, parent, signal);
            close_file(fd);
        }
    }
    close_file(folder);
    return met;
}

static int kill_is_due(const struct family *family)
{
    char wish = 0;
    return raw(SYS_recvfrom, family->control, (long)&wish, 1, MSG_PEEK | MSG_DONTWAIT, 0) == 1
        && wish == PARLEY_KILL;
}

long parley_family_open(struct family *family)
{
    if (family->children < 0) family->children = open_file("/proc/thread-self/children");
    return family->children < 0 ? family->children : 0;
}

// If it can't be opened now, it is empty, and the next round tries again.
static int rewound(struct family *family)
{
    if (family->children < 0) parley_family_open(family);
    else raw(SYS_lseek, family->children, 0, SEEK_SET, 0, 0);
    return family->children;
}

static int signal_once(struct family *family, int signal)
{
    struct waiting self = {.pid = family->self, .pidfd = -1};
    family->waiting_count = 0;
    int met = visit_list(family, rewound(family), &self, signal), is_over = 0;
    for (int i = 0; i < family->waiting_count; i++) {
        struct waiting parent = family->waiting[i];
        if (!is_over) met += visit_children(family, &parent, signal);
        close_file(parent.pidfd);
        if (signal == SIGTERM && i % 32 == 31) is_over = is_over || kill_is_due(family);
    }
    return is_over ? 0 : met;
}

// Whether a process is in the group with that name, which ends the last line of a file that may not fit the text.
static int is_in(struct family *family, pid_t pid, const char *name)
{
    char path[64], *text = family->text;
    put(put_number(put(path, "/proc/"), pid), "/cgroup");
    int fd = open_file(path);
    if (fd < 0) return 0;
    long end = 0, length;
    while ((length = raw(SYS_read, fd, (long)text + end, CHUNK - end, 0, 0)) > 0) {
        end += length;
        if (end < CHUNK) continue;
        for (end = 0; end < CHUNK / 2; end++) text[end] = text[end + CHUNK / 2];
    }
    close_file(fd);
    long count = 0;
    while (name[count]) count++;
    long at = end - 1 - count;
    if (at < 1 || text[end - 1] != '\n' || text[at - 1] != '/') return 0;
    for (long i = 0; i < count; i++)
        if (text[at + i] != name[i]) return 0;
    return 1;
}

// A process ID may have been reused: if what /proc says is about a later one, the pidfd's is gone and gets no signal.
static int signal_group_once(struct family *family, int group, const char *name, int signal)
{
    int fd = (int)raw(SYS_openat, group, (long)"cgroup.procs", O_RDONLY | O_CLOEXEC, 0, 0);
    if (fd < 0) return 0;
    struct numbers numbers;
    begin(&numbers, fd, family->list);
    int met = 0;
    for (pid_t pid; (pid = next_number(&numbers)) > 0;) {
        int pidfd = (int)raw(SYS_pidfd_open, pid, 0, 0, 0, 0);
        if (pidfd < 0) continue;
        struct status status;
        if (is_in(family, pid, name) && read_status(family->text, pid, &status))
            met += strike(family, pid, pidfd, &status, signal);
        close_file(pidfd);
    }
    close_file(fd);
    return met;
}

void parley_family_signal_group(struct family *family, int group, const char *name, int signal)
{
    for (int round = 0; round < MOST_ROUNDS; round++)
        if (!signal_group_once(family, group, name, signal)) break;
}

void parley_family_signal(struct family *family, int signal)
{
    // A process that was started meanwhile by one not signalled yet is found in the next round. Programs
    // that start others for ever must not hold up SIGKILL.
    for (int round = 0; round < MOST_ROUNDS; round++)
        if (!signal_once(family, signal)) break;
}

void parley_family_kill_children(struct family *family)
{
    struct numbers numbers;
    begin(&numbers, rewound(family), family->list);
    for (pid_t pid; (pid = next_number(&numbers)) > 0;) raw(SYS_kill, pid, SIGKILL, 0, 0, 0);
}

#pragma clang attribute pop
