// The half of the process that has the connections: what it does for a run.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "served.h"
#include "reference.h"
#include "starter.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { OUTPUTS = 2, ROOM = 65536 };

struct output {
    struct source source;
    struct run *run;
    int fd;
};

struct run {
    // Null: there is none.
    struct session *session;
    struct output outputs[OUTPUTS];
    // What it still waits for: its outputs' ends and its own.
    int open;
};

static struct run runs[MOST_RUNS];
static int channel;

static void end_part(struct run *run)
{
    if (--run->open) return;
    struct session *session = run->session;
    run->session = NULL;
    end_wait(session);
}

static void read_output(struct source *source, uint32_t events)
{
    static char room[ROOM];
    (void)events;
    struct output *output = (struct output *)source;
    ssize_t count;
    // Whatever it is, nobody has asked for it: what is measured has no output.
    do count = read(output->fd, room, sizeof room);
    while (count == sizeof room);
    if (count < 0) fail("read");
    if (count > 0) return;
    // The starter may not have closed its own yet, so that closing this one wouldn't take it out of the epoll set.
    unwatch(output->fd);
    if (close(output->fd)) fail("close");
    end_part(output->run);
}

static void begin_run(struct session *session)
{
    uint32_t number = 0;
    while (runs[number].session)
        if (++number == MOST_RUNS) fail("too many runs");
    runs[number].session = session;
    runs[number].open = OUTPUTS + 1;
    if (send(channel, &number, sizeof number, MSG_NOSIGNAL) < 0) fail("the starter is gone");
}

static void take_pipes(struct run *run, const int *pipes)
{
    if (close(pipes[0])) fail("close");
    for (int i = 0; i < OUTPUTS; i++) {
        run->outputs[i] = (struct output){{read_output}, run, pipes[i + 1]};
        watch(pipes[i + 1], EPOLLIN, &run->outputs[i].source);
    }
}

static void hear(struct source *source, uint32_t events)
{
    (void)source, (void)events;
    for (;;) {
        union passed passed;
        struct news news;
        struct iovec part = {&news, sizeof news};
        struct msghdr packet = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof passed};
        ssize_t count = recvmsg(channel, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (count < 0 && errno == EAGAIN) return;
        if (count != sizeof news || news.number >= MOST_RUNS) fail("the starter is gone");
        struct run *run = &runs[news.number];
        if (news.kind == ENDED) {
            end_part(run);
            continue;
        }
        int pipes[PIPES];
        if (packet.msg_controllen < CMSG_LEN(sizeof pipes)) fail("the pipes of a program");
        memcpy(pipes, CMSG_DATA(&passed.head), sizeof pipes);
        take_pipes(run, pipes);
    }
}

void use_starter(int to)
{
    static struct source hearing = {hear};
    channel = to;
    answer_later(begin_run);
    watch(channel, EPOLLIN, &hearing);
}
