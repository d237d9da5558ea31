// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int parley_epoll_add(int epoll, int fd, unsigned int events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int parley_epoll_wait(int epoll, parley_epoll_event *events, int capacity, int milliseconds)
{
    struct epoll_event raw[256];
    int count = epoll_wait(epoll, raw, capacity < 256 ? capacity : 256, milliseconds);
    for (int i = 0; i < count; i++)
        events[i] = (parley_epoll_event){.events = raw[i].events, .fd = raw[i].data.fd};
    return count;
}

int parley_accept4(int fd, struct sockaddr *address, socklen_t *length)
{
    return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int parley_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int parley_readable(int fd)
{
    int count = 0;
    return ioctl(fd, FIONREAD, &count) ? 0 : count;
}

const short parley_spawn_setsid = POSIX_SPAWN_SETSID;

static struct rlimit original_limit;

int parley_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return 0;
    original_limit = limit;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1 << 30 ? 1 << 30 : (int)limit.rlim_cur;
}

void parley_restore_descriptor_limit(pid_t pid)
{
    if (original_limit.rlim_max) prlimit(pid, RLIMIT_NOFILE, &original_limit, NULL);
}

int parley_spawn_add_chdir(posix_spawn_file_actions_t *actions, const char *path)
{
    return posix_spawn_file_actions_addchdir_np(actions, path);
}

int parley_spawn_add_closefrom(posix_spawn_file_actions_t *actions, int from)
{
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
}

int parley_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

parley_child_end parley_peek_child(int pidfd)
{
    siginfo_t info = {0};
    // Somebody else has taken the child away: how it ended nobody knows any more.
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT))
        return (parley_child_end){.has_ended = 1, .code = CLD_KILLED, .status = SIGKILL};
    if (!info.si_pid) return (parley_child_end){0};
    return (parley_child_end){.has_ended = 1, .code = info.si_code, .status = info.si_status};
}

long parley_nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

parley_option parley_getopt_long(
    int count, char *const *arguments, const char *shorts, const struct option *longs, int next)
{
    optind = next;
    opterr = 0;
    optopt = 0;
    optarg = NULL;
    int code = getopt_long(count, arguments, shorts, longs, NULL);
    return (parley_option){.code = code, .next = optind, .unknown = optopt, .value = optarg};
}
