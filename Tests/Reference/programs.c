// Programs that are run one after the other, without a protocol: the limit of what running one costs.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "reference.h"
#include "start.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, SOURCES = 3 };

static const double WARM_UP = 0.2;

// Of a run, what is waited for: its end and that of its outputs.
struct awaited {
    struct runs *session;
    int *descriptor;
};

struct runs {
    struct program program;
    struct awaited sources[SOURCES];
    int open;
    double begun;
};

static int epoll;
// Of the runs that are measured, in microseconds.
static double *times;
static size_t time_count, time_room;

static double now(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_MONOTONIC, &time)) fail("clock_gettime");
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec * 1e-6; }

// CPU seconds of this process and of the children that were reaped.
static double used(void)
{
    double sum = 0;
    const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (int i = 0; i < 2; i++) {
        struct rusage usage;
        if (getrusage(whose[i], &usage)) fail("getrusage");
        sum += seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    }
    return sum;
}

static void begin_run(struct runs *session, char **arguments, const struct confinement *confinement)
{
    session->begun = now();
    start_program(&session->program, arguments, confinement);
    session->open = SOURCES;
    for (int i = 0; i < SOURCES; i++) {
        struct awaited *source = &session->sources[i];
        // An end is told once, while outputs may come in many pieces.
        int is_end = source->descriptor == &session->program.pidfd;
        struct epoll_event event = {.events = EPOLLIN | (is_end ? EPOLLONESHOT : 0), .data.ptr = source};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, *source->descriptor, &event)) fail("epoll_ctl");
    }
}

static void keep_time(double microseconds)
{
    if (time_count == time_room) {
        time_room = time_room ? 2 * time_room : 4096;
        times = realloc(times, time_room * sizeof *times);
        if (!times) fail("realloc");
    }
    times[time_count++] = microseconds;
}

// Returns whether the run is over.
static int go_on_with(const struct awaited *source)
{
    static char room[65536];
    struct runs *session = source->session;
    if (source->descriptor != &session->program.pidfd) {
        ssize_t count = read(*source->descriptor, room, sizeof room);
        if (count < 0) fail("read");
        if (count > 0) return 0;
        // Which takes it out of the epoll set as well, since nobody has a copy.
        if (close(*source->descriptor)) fail("close");
        *source->descriptor = -1;
    }
    return --session->open == 0;
}

static int ascending(const void *one, const void *other)
{
    double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

static double percentile(double share) { return times[(size_t)((double)(time_count - 1) * share)]; }

static void tell(double elapsed, double cost)
{
    qsort(times, time_count, sizeof *times, ascending);
    printf("{\"operations\":%zu,\"seconds\":%.6f,\"server_seconds\":%.6f,", time_count, elapsed, cost);
    printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}\n", percentile(0.5), percentile(0.99), percentile(0.999));
    if (fflush(stdout)) fail("standard output");
}

static double start, before;
static enum { WARMING_UP, MEASURING, ENDING } phase;

// Returns whether another run is to follow.
static int note_run(struct runs *session, double seconds)
{
    double time = now();
    keep_time((time - session->begun) * 1e6);
    if (phase == WARMING_UP && time - start >= WARM_UP) {
        phase = MEASURING;
        time_count = 0;
        start = time;
        before = used();
    } else if (phase == MEASURING && time - start >= seconds) {
        phase = ENDING;
        tell(time - start, used() - before);
    }
    return phase != ENDING;
}

int run_programs(int count, double seconds, char **arguments, const struct confinement *confinement)
{
    struct runs *sessions = calloc((size_t)count, sizeof *sessions);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!sessions || epoll < 0) fail("epoll_create1");
    start = now();
    for (int i = 0; i < count; i++) {
        struct runs *session = &sessions[i];
        int *descriptors[] = {&session->program.pidfd, &session->program.output, &session->program.errors};
        for (int j = 0; j < SOURCES; j++) session->sources[j] = (struct awaited){session, descriptors[j]};
        begin_run(session, arguments, confinement);
    }
    int under_way = count;
    while (under_way) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        if (ready < 0) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            const struct awaited *source = events[i].data.ptr;
            if (!go_on_with(source)) continue;
            end_program(&source->session->program, confinement);
            if (note_run(source->session, seconds)) begin_run(source->session, arguments, confinement);
            else under_way--;
        }
    }
    free(times);
    free(sessions);
    return 0;
}
