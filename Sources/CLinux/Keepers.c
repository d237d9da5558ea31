// Keepers as parleyd sees them: their start, their reports, and their end.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Keeper.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long changed;

// Real-time signals are ignored if whoever started this process made it ignore them, and glibc has handlers of its own for two. They
// are checked once: a call for each of them at every start would be a hundredth of what the start costs.
static void note_changed(void)
{
    for (int number = STANDARD_SIGNALS + 1; number < NSIG; number++) {
        // The kernel's version; glibc hides two of them.
        long action[8] = {0};
        if (syscall(SYS_rt_sigaction, number, NULL, action, 8) == 0 && action[0] != (long)SIG_DFL)
            changed |= 1UL << (number - 1);
    }
}

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
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, note_changed);
    keeper->changed = changed;
    sigset_t all, before;
    sigfillset(&all);
    // A signal that it received here would be handled in this memory.
    pthread_sigmask(SIG_BLOCK, &all, &before);
    // No signal reports its end, so nobody who waits for any child reaps it (__WALL in waitid(2)).
    long keepers = raw_clone(CLONE_VM, keeper->stack + STACK, parley_keeper_run, keeper);
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
    // A keeper that is gone before it has read a request leaves ECONNRESET in front of its report (unix(7) doesn't say so),
    // once.
    do length = read(control, report, sizeof *report);
    while (length < 0 && (errno == EINTR || errno == ECONNRESET));
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

int parley_reap_orphans(pid_t spared)
{
    for (int count = 0;; count++) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid) return count;
        if (info.si_pid == spared) return count;
        waitpid(info.si_pid, NULL, WNOHANG);
    }
}
