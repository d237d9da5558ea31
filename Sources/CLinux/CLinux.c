// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <sys/resource.h>
#include <time.h>

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

int parley_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1 << 30 ? 1 << 30 : (int)limit.rlim_cur;
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
