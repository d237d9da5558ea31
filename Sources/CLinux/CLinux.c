// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int argument_count;
static char *const *argument_vector;

// glibc passes these to whatever is in .init_array (its csu/init-first.c). Swift's CommandLine
// reads /proc/self/cmdline, which a container or a chroot may lack.
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

int parley_epoll_change(int epoll, int fd, unsigned int events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
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

long parley_nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

const int parley_o_path = O_PATH;
const int parley_ofd_setlk = F_OFD_SETLK, parley_ofd_getlk = F_OFD_GETLK;

// MFD_NOEXEC_SEAL, which Debian 12's headers lack.
static const unsigned noexec_seal = 8;

int parley_memory_file(const char *name)
{
    // Where vm.memfd_noexec is 2, a file that could be executed is refused; kernels before 6.3 don't know the flag.
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | noexec_seal);
    if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd;
}

int parley_seal(int fd)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
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

void parley_widen_pipe(int fd, int size)
{
    (void)fcntl(fd, F_SETPIPE_SZ, size);
}

int parley_pipe_capacity(int fd)
{
    return fcntl(fd, F_GETPIPE_SZ);
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

typedef int (*el_set_call)(void *, int, ...);
typedef struct history_event {
    int number;
    const char *text;
} history_event;
typedef int (*history_call)(void *, history_event *, int, ...);

int parley_el_set(void *el_set, void *editor, int operation, const void *value)
{
    return ((el_set_call)el_set)(editor, operation, value);
}

int parley_el_set_number(void *el_set, void *editor, int operation, int value)
{
    return ((el_set_call)el_set)(editor, operation, value);
}

int parley_el_set_words(
    void *el_set, void *editor, int operation, const char *first, const char *second)
{
    return ((el_set_call)el_set)(editor, operation, first, second, (char *)NULL);
}

int parley_el_set_history(void *el_set, void *editor, int operation, void *history, void *list)
{
    return ((el_set_call)el_set)(editor, operation, history, list);
}

int parley_el_set_prompt(void *el_set, void *editor, int operation, const void *prompt, int mark)
{
    return ((el_set_call)el_set)(editor, operation, prompt, mark);
}

int parley_el_add_function(
    void *el_set, void *editor, int operation, const char *name, const char *help, const void *function)
{
    return ((el_set_call)el_set)(editor, operation, name, help, function);
}

int parley_history_number(void *history, void *list, int operation, int value)
{
    history_event event;
    return ((history_call)history)(list, &event, operation, value);
}

int parley_history_text(void *history, void *list, int operation, const char *text)
{
    history_event event;
    return ((history_call)history)(list, &event, operation, text);
}

int parley_is_delegated(const char *path)
{
    char value[2] = {0};
    // The first one can be read by anybody and was introduced in systemd 251.
    return (getxattr(path, "user.delegate", value, 1) == 1
            || getxattr(path, "trusted.delegate", value, 1) == 1)
        && value[0] == '1';
}

int parley_pidfd_open(int pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}
