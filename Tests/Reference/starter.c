// The process that starts programs, tells of their ends and writes the trail.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "starter.h"
#include "reference.h"
#include "served.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, LINE = 512 };

struct run {
    struct program program;
    uint32_t number;
};

static struct run runs[MOST_RUNS];
static int epoll, channel, trail;

// As long as parleyd's lines are, and as soon in the file.
static void record(const char *event, uint32_t number)
{
    char line[LINE];
    struct timespec time;
    struct tm parts;
    if (clock_gettime(CLOCK_REALTIME, &time) || !gmtime_r(&time.tv_sec, &parts)) fail("clock_gettime");
    int length = snprintf(
        line, sizeof line,
        "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\",\"event\":\"%s\",\"session\":\"000000000000\",\"peer\":"
        "\"127.0.0.1:00000\",\"identity\":\"CN=client\",\"command\":\"true\",\"arguments\":[],\"run\":%u,"
        "\"user\":\"nobody\",\"status\":0,\"outputBytes\":0,\"errorBytes\":0,\"inputBytes\":0,\"milliseconds\":1}\n",
        parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
        time.tv_nsec / 1000000, event, number);
    if (write(trail, line, (size_t)length) != length) fail("the trail");
}

static void tell(struct news news, const int *pipes)
{
    union passed passed = {.head = {.cmsg_len = CMSG_LEN(PIPES * sizeof *pipes), .cmsg_level = SOL_SOCKET,
                               .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {&news, sizeof news};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
    if (pipes) {
        memcpy(CMSG_DATA(&passed.head), pipes, PIPES * sizeof *pipes);
        packet.msg_control = &passed;
        packet.msg_controllen = sizeof passed;
    }
    if (sendmsg(channel, &packet, MSG_NOSIGNAL) < 0) _exit(0);
}

static void watch_end(int fd, struct run *run)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = run};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

static void begin_run(uint32_t number, char **arguments, const struct confinement *confinement)
{
    struct run *run = &runs[number % MOST_RUNS];
    run->number = number;
    record("start", number);
    start_program(&run->program, arguments, confinement);
    const int pipes[PIPES] = {run->program.input, run->program.output, run->program.errors};
    tell((struct news){STARTED, number}, pipes);
    for (int i = 0; i < PIPES; i++)
        if (close(pipes[i])) fail("close");
    run->program.input = run->program.output = run->program.errors = -1;
    watch_end(run->program.pidfd, run);
}

static void end_run(struct run *run, const struct confinement *confinement)
{
    end_program(&run->program, confinement);
    record("end", run->number);
    tell((struct news){ENDED, run->number}, NULL);
}

static _Noreturn void run_all(char **arguments, const struct confinement *confinement)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    watch_end(channel, NULL);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        if (ready < 0) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                end_run(events[i].data.ptr, confinement);
                continue;
            }
            uint32_t number;
            ssize_t count;
            while ((count = recv(channel, &number, sizeof number, MSG_DONTWAIT)) == sizeof number)
                begin_run(number, arguments, confinement);
            if (count >= 0 || errno != EAGAIN) _exit(0);
        }
    }
}

int begin_starter(char **arguments, const struct confinement *confinement, int to)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) fail("socketpair");
    switch (fork()) {
    case -1: fail("fork");
    case 0:
        close(ends[0]);
        channel = ends[1];
        trail = to;
        run_all(arguments, confinement);
    }
    close(ends[1]);
    close(to);
    return ends[0];
}
