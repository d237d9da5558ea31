// The keeper: a small process of each command's own, between parleyd and the program. It is the parent of the
// program and the subreaper of whatever that starts (PR_SET_CHILD_SUBREAPER), so that nothing of the command can
// leave its descendants, and waitid(2) says ECHILD when, and only when, nothing of it is left. It ends all when it is
// told to, or when parleyd is gone.
//
// It runs in parleyd's memory (CLONE_VM) on a stack of its own, which costs a tenth of what a copy of parleyd's page tables
// would, and beside parleyd's threads, none of which waits for the exec. So it makes raw system calls only.
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
#include <sys/resource.h>
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
    // Its strings are the caller's, until the program was started.
    parley_start start;
    struct limits limits;
    pid_t program;
    int signals;
    // Comes to its end with the program's exec, whatever that comes to; -1 after it.
    int exec;
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
    struct timespec time;
    raw(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0, 0);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

// The program runs, or never will.
static void settle_start(struct keeper *keeper)
{
    raw(SYS_close, keeper->exec, 0, 0, 0, 0);
    keeper->exec = -1;
    tell(keeper);
    if (!keeper->report.failure) return;
    raw(SYS_waitid, P_PID, keeper->program, 0, WEXITED | __WALL, 0);
    leave();
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
        if (keeper->exec >= 0) settle_start(keeper);
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
    if (wish == PARLEY_LET_GO || (!is_there && keeper->start.is_background && keeper->report.has_ended)) {
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
        struct pollfd events[3];
        events[0].fd = is_alone ? -1 : CONTROL;
        events[0].events = POLLIN;
        events[0].revents = 0;
        events[1].fd = keeper->signals;
        events[1].events = POLLIN;
        events[1].revents = 0;
        events[2].fd = keeper->exec;
        events[2].events = POLLIN;
        events[2].revents = 0;
        struct timespec limit;
        limit.tv_sec = wait / 1000000000L;
        limit.tv_nsec = wait % 1000000000L;
        raw(SYS_ppoll, (long)events, 3, wait < 0 ? 0 : (long)&limit, 0, 0);
        // As many children as there are, SIGCHLD is pending once.
        struct signalfd_siginfo signal;
        raw(SYS_read, keeper->signals, (long)&signal, sizeof signal, 0, 0);
        if (events[2].revents) settle_start(keeper);
        if (events[0].revents && !obey(keeper)) {
            is_alone = 1;
            due = now() + keeper->start.grace;
        }
    }
}

// MARK: While it starts

// As the kernel has it: all of its fields are longs.
static void set_disposition(int signal, void (*handler)(int))
{
    long action[8];
    for (int i = 0; i < 8; i++) action[i] = 0;
    action[0] = (long)handler;
    raw(SYS_rt_sigaction, signal, (long)action, 0, 8, 0);
}

static void set_mask(unsigned long mask)
{
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask, 0);
}

static void set_limit(int which, const struct rlimit *limit)
{
    raw(SYS_prlimit64, 0, which, (long)limit, 0, 0);
}

// What the program is: a session of its own, default signal dispositions, three descriptors.
static void program(void *argument)
{
    struct keeper *keeper = argument;
    const parley_start *start = &keeper->start;
    for (int number = 1; number < NSIG; number++) set_disposition(number, SIG_DFL);
    raw(SYS_setsid, 0, 0, 0, 0, 0);
    // The keeper has one thread, so that this is its end and no other's.
    raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (raw(SYS_getppid, 0, 0, 0, 0, 0) != keeper->family.self) leave();
    // Before it can do anything: whoever kills the keeper at once must not pass for never started.
    keeper->report.program = (pid_t)raw(SYS_getpid, 0, 0, 0, 0, 0);
    raw(SYS_umask, start->umask, 0, 0, 0, 0);
    if (keeper->limits.has_descriptors) set_limit(RLIMIT_NOFILE, &keeper->limits.descriptors);
    if (keeper->limits.has_cores) set_limit(RLIMIT_CORE, &keeper->limits.cores);
    // Open until the exec, which the keeper waits for.
    long result = raw(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC, 0, 0);
    if (result == 0) result = raw(SYS_chdir, (long)start->directory, 0, 0, 0, 0);
    if (result == 0) {
        set_mask(0);
        result = raw(
            SYS_execve, (long)start->path, (long)start->arguments, (long)start->environment, 0, 0);
    }
    keeper->report.failure = (int)-result;
    leave();
}

// Whether the numbers that /proc shows are those that kill(2) takes: it may be another PID namespace's.
static int sees_itself(pid_t self)
{
    char text[64];
    long length = raw(SYS_readlinkat, AT_FDCWD, (long)"/proc/self", (long)text, sizeof text, 0);
    long number = 0;
    for (long i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        number = number * 10 + (text[i] - '0');
    return number == self;
}

// The result is 0 or -errno; the report says what is to blame.
static long prepare(struct keeper *keeper)
{
    const parley_start *start = &keeper->start;
    keeper->report.cause = PARLEY_KEEPER;
    // None is ever taken but by the signalfd: the handlers are parleyd's.
    set_mask(~0UL);
    set_disposition(SIGCHLD, SIG_DFL);
    keeper->family.self = (pid_t)raw(SYS_getpid, 0, 0, 0, 0, 0);
    // Its name and process group are its own, so that what is meant for parleyd does not end both: a
    // terminal's or a group's signal, or killall(1). A session would have a scheduling group as well.
    raw(SYS_prctl, PR_SET_NAME, (long)"parley-keeper", 0, 0, 0);
    raw(SYS_setpgid, 0, 0, 0, 0, 0);
    long result;
    if ((result = raw(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) < 0) return result;
    if ((result = raw(SYS_chdir, (long)"/", 0, 0, 0, 0)) < 0) return result;
    const int numbers[] = {start->input, start->output, start->error_output, start->control};
    for (int i = 0; i <= CONTROL; i++) {
        // A control descriptor that has its number already is none for dup3.
        int flags = i == CONTROL ? O_CLOEXEC : 0;
        if (numbers[i] == i) continue;
        if ((result = raw(SYS_dup3, numbers[i], i, flags, 0, 0)) < 0) return result;
    }
    if ((result = raw(SYS_close_range, CONTROL + 1, ~0U, 0, 0, 0)) < 0) return result;
    unsigned long child = 1UL << (SIGCHLD - 1);
    result = raw(SYS_signalfd4, -1, (long)&child, sizeof child, SFD_CLOEXEC | SFD_NONBLOCK, 0);
    if ((keeper->signals = (int)result) < 0) return result;
    result = raw(
        SYS_openat, AT_FDCWD, (long)"/proc/thread-self/children", O_RDONLY | O_CLOEXEC, 0, 0);
    // Where files can't be opened at all, /proc has no part in it.
    if (result != -EMFILE && result != -ENFILE && result != -ENOMEM)
        keeper->report.cause = PARLEY_PROC;
    if ((keeper->family.children = (int)result) < 0) return result;
    if (!sees_itself(keeper->family.self)) return -ESRCH;
    keeper->report.cause = PARLEY_PROGRAM;
    return 0;
}

// Without CLONE_VFORK: while a file system holds the exec up, parleyd can want it ended, or be gone, and a program
// that was ended before its exec must not run after it. The result is its number or -errno.
static long start_program(struct keeper *keeper)
{
    int ends[2];
    long result = raw(SYS_pipe2, (long)ends, O_CLOEXEC, 0, 0, 0);
    if (result < 0) return result;
    keeper->exec = ends[0];
    result = raw_clone(CLONE_VM | SIGCHLD, keeper->program_stack + STACK, program, keeper);
    raw(SYS_close, ends[1], 0, 0, 0, 0);
    return result;
}

static void run(void *argument)
{
    struct keeper *keeper = argument;
    long result = prepare(keeper);
    if (result == 0) result = start_program(keeper);
    if (result < 0) {
        keeper->report.failure = (int)-result;
        tell(keeper);
        leave();
    }
    keeper->program = (pid_t)result;
    raw(SYS_close_range, 0, 2, 0, 0, 0);
    keep(keeper);
}

#pragma clang attribute pop

// MARK: In parleyd

parley_keeper parley_keeper_start(const parley_start *start)
{
    parley_keeper result = {.control = -1};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
        result.failure = errno;
        return result;
    }
    struct keeper *keeper = mmap(
        NULL, sizeof *keeper, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (keeper == MAP_FAILED) {
        result.failure = errno;
        close(ends[0]);
        close(ends[1]);
        return result;
    }
    keeper->start = *start;
    keeper->start.control = ends[1];
    keeper->limits = parley_original_limits;
    sigset_t all, before;
    sigfillset(&all);
    // A signal that it would take in here would be handled in this memory.
    pthread_sigmask(SIG_BLOCK, &all, &before);
    // No signal tells its end, so that nobody who waits for any child takes it away (__WALL in waitid(2)).
    long keepers = raw_clone(CLONE_VM, keeper->stack + STACK, run, keeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (keepers > 0) {
        fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK);
        result.keeper = (pid_t)keepers;
        result.control = ends[0];
        result.memory = keeper;
    } else {
        result.failure = (int)-keepers;
        close(ends[0]);
        munmap(keeper, sizeof *keeper);
    }
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

pid_t parley_keeper_program(const void *memory)
{
    return ((const volatile struct keeper *)memory)->report.program;
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
