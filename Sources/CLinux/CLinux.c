// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int argument_count;
static char *const *argument_vector;

// glibc gives these to whatever is in .init_array (its csu/init-first.c). Swift's CommandLine reads
// /proc/self/cmdline, which a container or a chroot may lack.
__attribute__((constructor)) static void keep_arguments(int count, char **vector)
{
    argument_count = count;
    argument_vector = vector;
}

const char *parley_argument(int index)
{
    return index >= 0 && index < argument_count ? argument_vector[index] : NULL;
}

int parley_is_ignored(int signal)
{
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

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

int parley_timerfd_set(int timer, long nanoseconds)
{
    struct itimerspec time = {
        .it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &time, NULL);
}

const int parley_o_path = O_PATH;

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

static struct rlimit original_core_limit;
static int has_original_core_limit;

void parley_forbid_dumps(void)
{
    // Swift's runtime has put its own there, but where a signal was ignored.
    const int crashes[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    struct sigaction present, standard = {.sa_handler = SIG_DFL};
    for (unsigned i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (!sigaction(crashes[i], NULL, &present) && present.sa_handler != SIG_IGN)
            sigaction(crashes[i], &standard, NULL);
    if (!getrlimit(RLIMIT_CORE, &original_core_limit)) {
        has_original_core_limit = 1;
        // The soft one only: nobody but root could give the hard one back.
        struct rlimit none = {.rlim_cur = 0, .rlim_max = original_core_limit.rlim_max};
        setrlimit(RLIMIT_CORE, &none);
    }
    prctl(PR_SET_DUMPABLE, 0);
}

// posix_spawn(3) can set neither a limit nor the umask, and a limit that is set when the program runs
// already comes too late. In the child nothing but system calls, since it runs in this memory.
pid_t parley_spawn(
    const char *path, char *const arguments[], char *const environment[], const char *directory,
    mode_t mask, int input, int output, int error_output)
{
    sigset_t all, before, none;
    sigfillset(&all);
    sigemptyset(&none);
    volatile int failure = 0;
    // A signal that the child would take in here would be handled in this memory.
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t pid = vfork();
    if (pid == 0) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
        setsid();
        // So that a program does not outlive a server that is killed.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        umask(mask);
        if (original_limit.rlim_max) setrlimit(RLIMIT_NOFILE, &original_limit);
        if (has_original_core_limit) setrlimit(RLIMIT_CORE, &original_core_limit);
        if (chdir(directory) == 0 && dup2(input, 0) == 0 && dup2(output, 1) == 1
            && dup2(error_output, 2) == 2) {
            if (close_range(3, ~0U, 0))
                for (int fd = 3; fd < 65536; fd++) close(fd);
            sigprocmask(SIG_SETMASK, &none, NULL);
            execve(path, arguments, environment);
        }
        failure = errno;
        _exit(127);
    }
    if (pid < 0) failure = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure == 0) return pid;
    if (pid > 0) waitpid(pid, NULL, 0);
    errno = failure;
    return -1;
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
