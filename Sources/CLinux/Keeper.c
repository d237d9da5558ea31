// The keeper: a small process of each command's own, between parleyd and the program. It is the parent of the
// program and the subreaper of whatever that starts (PR_SET_CHILD_SUBREAPER), so that nothing of the command can
// leave its descendants, and waitid(2) says ECHILD when, and only when, nothing of it is left. It ends all when it is
// told to, or when parleyd is gone.
//
// It runs in parleyd's memory (CLONE_VM) on a stack of its own, which costs a tenth of what a copy of parleyd's page tables
// would. While it starts the program the thread that started it waits; from then on it makes raw system calls only.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include "Family.h"
#include "Limits.h"
#include "Raw.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STACK = 32 << 10,
    // Its descriptors, behind the program's three.
    CONTROL = 3,
    MILLISECOND = 1000000,
};

// What it is doing about the end of its command.
enum phase { WATCHING, TERMINATING, KILLING };

// One mapping for each keeper, of which it touches a few pages.
struct keeper {
    // Below anything that an overflow could reach.
    char stack[STACK] __attribute__((aligned(16)));
    char program_stack[STACK] __attribute__((aligned(16)));
    // The caller's, until the program was started.
    const parley_start *start;
    pid_t program;
    int signals, is_background;
    long grace;
    enum phase phase;
    parley_report report;
    struct family family;
};

#pragma clang attribute push( \
    __attribute__((no_sanitize("address", "thread", "undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

// MARK: While the command runs

static void tell(struct keeper *keeper)
{
    // Where nobody is there any more, nobody needs to know. SIGPIPE is blocked.
    raw(SYS_write, CONTROL, (long)&keeper->report, sizeof keeper->report, 0, 0);
}

__attribute__((noreturn)) static void leave(void)
{
    for (;;) raw(SYS_exit_group, 0, 0, 0, 0, 0);
}

static long now(void)
{
    struct timespec time = {0};
    raw(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0, 0);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

// Takes away what has ended; the result is how many. Says what there is to say of the program, and leaves when
// nothing of the command is left.
static int reap(struct keeper *keeper)
{
    int count = 0, has_news = 0;
    for (;;) {
        siginfo_t info;
        info.si_pid = 0;
        long result = raw(SYS_waitid, P_ALL, 0, (long)&info, WEXITED | WNOHANG | __WALL, 0);
        if (result == -EINTR) continue;
        if (result == -ECHILD) {
            keeper->report.is_over = 1;
            keeper->report.signalled = keeper->family.signalled;
            tell(keeper);
            leave();
        }
        if (result || !info.si_pid) break;
        count++;
        if (info.si_pid != keeper->program) continue;
        keeper->report.has_ended = has_news = 1;
        keeper->report.code = info.si_code;
        keeper->report.status = info.si_status;
    }
    if (has_news) tell(keeper);
    return count;
}

// Takes what parleyd wants, or that it is gone; the result is whether it is there.
static int obey(struct keeper *keeper)
{
    char wish = 0;
    long length = raw(SYS_read, CONTROL, (long)&wish, 1, 0, 0);
    if (length == -EINTR) return 1;
    int is_there = length == 1;
    if (wish == PARLEY_LET_GO || (!is_there && keeper->is_background && keeper->report.has_ended)) {
        keeper->report.is_over = 1;
        tell(keeper);
        leave();
    }
    if (wish == PARLEY_KILL) {
        keeper->phase = KILLING;
        parley_family_signal(&keeper->family, SIGKILL);
    } else if (keeper->phase == WATCHING) {
        keeper->phase = TERMINATING;
        parley_family_signal(&keeper->family, SIGTERM);
    }
    return is_there;
}

__attribute__((noreturn)) static void keep(struct keeper *keeper)
{
    int is_alone = 0;
    // When SIGKILL is due, where nobody is there to ask for it.
    long due = 0, pause = 10 * MILLISECOND;
    for (;;) {
        int count = reap(keeper);
        long wait = -1;
        if (keeper->phase == KILLING) {
            parley_family_kill_children(&keeper->family);
            if (count) {
                // Whoever starts others as it ends leaves no time to wait.
                pause = 10 * MILLISECOND;
                wait = MILLISECOND;
            } else {
                // Those that can't be killed can have children that can.
                parley_family_signal(&keeper->family, SIGKILL);
                wait = pause;
                if (pause < 1000L * MILLISECOND) pause *= 2;
            }
        } else if (is_alone) {
            wait = due - now();
            if (wait <= 0) {
                keeper->phase = KILLING;
                continue;
            }
        }
        struct pollfd events[2];
        events[0].fd = is_alone ? -1 : CONTROL;
        events[0].events = POLLIN;
        events[0].revents = 0;
        events[1].fd = keeper->signals;
        events[1].events = POLLIN;
        events[1].revents = 0;
        struct timespec limit;
        limit.tv_sec = wait / 1000000000L;
        limit.tv_nsec = wait % 1000000000L;
        raw(SYS_ppoll, (long)events, 2, wait < 0 ? 0 : (long)&limit, 0, 0);
        // As many children as there are, SIGCHLD is pending once.
        struct signalfd_siginfo signal;
        raw(SYS_read, keeper->signals, (long)&signal, sizeof signal, 0, 0);
        if (events[0].revents && !obey(keeper)) {
            is_alone = 1;
            due = now() + keeper->grace;
        }
    }
}

// MARK: While it starts, in place of the thread that waits for it

// What the program is: a session of its own, default signal dispositions, three descriptors.
static int program(void *argument)
{
    struct keeper *keeper = argument;
    const parley_start *start = keeper->start;
    sigset_t none;
    sigemptyset(&none);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
    setsid();
    // The keeper has one thread, so that this is its end and no other's.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper->family.self) _exit(127);
    umask(start->umask);
    parley_restore_limits();
    if (close_range(3, ~0U, 0) == 0 && chdir(start->directory) == 0) {
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(start->path, start->arguments, start->environment);
    }
    keeper->report.failure = errno;
    _exit(127);
}

// Whether the numbers that /proc shows are those that kill(2) takes: it may be another PID namespace's.
static int sees_itself(pid_t self)
{
    char text[64] = {0};
    if (readlink("/proc/self", text, sizeof text - 1) <= 0) return 0;
    long number = 0;
    for (char *at = text; *at >= '0' && *at <= '9'; at++) number = number * 10 + (*at - '0');
    return number == self;
}

static int prepare(struct keeper *keeper)
{
    const parley_start *start = keeper->start;
    // None is ever taken but by the signalfd: the handlers are parleyd's.
    unsigned long all = ~0UL;
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, sizeof all, 0);
    signal(SIGCHLD, SIG_DFL);
    keeper->family.self = getpid();
    // Its name and session are its own, so that what is meant for parleyd does not end both: a
    // terminal's or a group's signal, or killall(1).
    prctl(PR_SET_NAME, "parley-keeper");
    setsid();
    if (chdir("/") || prctl(PR_SET_CHILD_SUBREAPER, 1)) return errno;
    if (dup2(start->input, 0) < 0 || dup2(start->output, 1) < 0 || dup2(start->error_output, 2) < 0
        || dup2(start->control, CONTROL) < 0)
        return errno;
    fcntl(CONTROL, F_SETFD, FD_CLOEXEC);
    if (close_range(CONTROL + 1, ~0U, 0)) return errno;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    keeper->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (keeper->signals < 0) return errno;
    keeper->family.children = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (keeper->family.children < 0) return errno;
    return sees_itself(keeper->family.self) ? 0 : ESRCH;
}

static int run(void *argument)
{
    struct keeper *keeper = argument;
    keeper->report.failure = prepare(keeper);
    keeper->report.is_keepers = keeper->report.failure != 0;
    if (!keeper->report.failure) {
        keeper->program = clone(
            program, keeper->program_stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, keeper);
        if (keeper->program < 0) keeper->report.failure = errno;
    }
    keeper->report.program = keeper->program;
    close_range(0, 2, 0);
    tell(keeper);
    if (keeper->report.failure) {
        // Whoever is told takes both zombies away with this one.
        leave();
    }
    keep(keeper);
}

#pragma clang attribute pop

// MARK: In parleyd

parley_keeper parley_keeper_start(const parley_start *start)
{
    parley_keeper result = {.control = -1};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
        result.report.failure = errno;
        return result;
    }
    struct keeper *keeper = mmap(
        NULL, sizeof *keeper, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (keeper == MAP_FAILED) {
        result.report.failure = errno;
        close(ends[0]);
        close(ends[1]);
        return result;
    }
    parley_start copy = *start;
    copy.control = ends[1];
    keeper->start = &copy;
    keeper->is_background = start->is_background;
    keeper->grace = start->grace;
    sigset_t all, before;
    sigfillset(&all);
    // A signal that it would take in here would be handled in this memory.
    pthread_sigmask(SIG_BLOCK, &all, &before);
    // No signal tells its end, so that nobody who waits for any child takes it away (__WALL in waitid(2)).
    result.keeper = clone(run, keeper->stack + STACK, CLONE_VM, keeper);
    if (result.keeper < 0) result.report.failure = errno;
    close(ends[1]);
    if (result.keeper > 0) {
        ssize_t length;
        do length = read(ends[0], &result.report, sizeof result.report);
        while (length < 0 && errno == EINTR);
        if (length != sizeof result.report)
            result.report = (parley_report){.failure = ECHILD, .is_keepers = 1};
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!result.report.failure) {
        fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK);
        result.control = ends[0];
        result.memory = keeper;
        return result;
    }
    close(ends[0]);
    if (result.keeper > 0)
        while (waitpid(result.keeper, NULL, __WALL) < 0 && errno == EINTR) {}
    munmap(keeper, sizeof *keeper);
    return result;
}

int parley_keeper_read(int control, parley_report *report)
{
    ssize_t length;
    do length = read(control, report, sizeof *report);
    while (length < 0 && errno == EINTR);
    if (length == sizeof *report) return 1;
    return length < 0 && errno == EAGAIN ? 0 : -1;
}

void parley_keeper_tell(int control, char wish) { send(control, &wish, 1, MSG_NOSIGNAL); }

int parley_keeper_reap(pid_t keeper, void *memory)
{
    pid_t result;
    do result = waitpid(keeper, NULL, WNOHANG | __WALL);
    while (result < 0 && errno == EINTR);
    if (result == 0) return 0;
    munmap(memory, sizeof(struct keeper));
    return 1;
}

int parley_reap_orphans(void)
{
    int count = 0;
    while (waitpid(-1, NULL, WNOHANG) > 0) count++;
    return count;
}
