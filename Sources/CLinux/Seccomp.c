// The system calls of the network process: an allow-list that applies once its loops run and its files were read.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "system calls of this architecture are not written down yet"
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))

// Allowed with any arguments. The kernel determines these when the filter is installed (since 5.11), so they cost
// nothing and their order doesn't matter.
static const unsigned allowed[] = {
    // loops and sockets; descriptors arrive with recvmsg
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait, SYS_epoll_ctl, SYS_timerfd_settime, SYS_accept4, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg,
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_shutdown, SYS_lseek, SYS_getsockname, SYS_getpeername,
    SYS_getsockopt,
    // memory and threads
    SYS_munmap, SYS_mremap, SYS_brk, SYS_madvise, SYS_futex, SYS_set_robust_list, SYS_rseq, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sigaltstack, SYS_sysinfo,
    // signals and the end
    SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit, SYS_exit_group,
    // time and numbers; OpenSSL asks for its process ID at each key and each random number
    SYS_clock_gettime, SYS_clock_nanosleep, SYS_gettimeofday, SYS_getrandom, SYS_getpid, SYS_gettid,
};

// What the C library and OpenSSL ask for now and then, and can do without.
static const struct {
    unsigned call, error;
} refused[] = {
    // glibc then uses clone, whose flags are not in the caller's memory.
    {SYS_clone3, ENOSYS},
    // /proc and /sys for the number of processors, openssl.cnf, folders of CAs, time zones
    {SYS_openat, EACCES},
    {SYS_newfstatat, EACCES},
    {SYS_statx, EACCES},
    {SYS_fstat, EACCES},
#ifdef SYS_readlink
    {SYS_readlink, EACCES},
#else
    {SYS_readlinkat, EACCES},
#endif
#ifdef SYS_access
    {SYS_access, EACCES},
#else
    {SYS_faccessat, EACCES},
#endif
};

// A program whose output waits in a full pipe is held up by its client. A transfer has a larger pipe, within what the
// system allows a user.
static const unsigned descriptor_commands[] = {F_GETFD, F_GETFL, F_GETPIPE_SZ, F_SETPIPE_SZ};
static const unsigned controls[] = {FIONREAD};
// The other options of these levels are for programs in the kernel, other protocols on top of TCP,
// and root.
static const unsigned socket_options[] = {SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_LINGER, SO_RCVLOWAT};
static const unsigned tcp_options[] = {
    TCP_NODELAY, TCP_CORK, TCP_QUICKACK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT,
};

// MARK: A filter as it grows

struct filter {
    unsigned short length;
    unsigned forbidden;
    struct sock_filter code[256];
};

static void add(struct filter *filter, unsigned short code, unsigned value, size_t yes, size_t no)
{
    filter->code[filter->length++] = (struct sock_filter){code, (unsigned char)yes, (unsigned char)no, value};
}

// Continues after the next `count` instructions if the value differs.
static void skip_unless(struct filter *filter, unsigned value, size_t count)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}

static void give(struct filter *filter, unsigned verdict) { add(filter, BPF_RET | BPF_K, verdict, 0, 0); }

static void load(struct filter *filter, size_t offset)
{
    add(filter, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

// The lower half of an argument: all arguments checked here are ints for the kernel, or flags in that half.
static void load_argument(struct filter *filter, int number)
{
    load(filter, offsetof(struct seccomp_data, args) + 8 * (size_t)number);
}

static void allow_values(struct filter *filter, int argument, const unsigned *values, size_t count)
{
    load_argument(filter, argument);
    for (size_t i = 0; i < count; i++) add(filter, BPF_JMP | BPF_JEQ | BPF_K, values[i], count - i, 0);
    give(filter, filter->forbidden);
    give(filter, SECCOMP_RET_ALLOW);
}

// If the loaded value matches, an argument decides.
static void decide(
    struct filter *filter, unsigned value, int argument, const unsigned *values, size_t count)
{
    skip_unless(filter, value, count + 3);
    allow_values(filter, argument, values, count);
}

static void decide_flag(struct filter *filter, unsigned call, int argument, unsigned flag, int must_be_set)
{
    skip_unless(filter, call, 4);
    load_argument(filter, argument);
    add(filter, BPF_JMP | BPF_JSET | BPF_K, flag, must_be_set ? 1 : 0, must_be_set ? 0 : 1);
    give(filter, filter->forbidden);
    give(filter, SECCOMP_RET_ALLOW);
}

static void decide_option(struct filter *filter)
{
    size_t sockets = COUNT(socket_options), tcp = COUNT(tcp_options);
    skip_unless(filter, SYS_setsockopt, 1 + sockets + 4 + tcp + 4 + 1);
    load_argument(filter, 1);
    decide(filter, SOL_SOCKET, 2, socket_options, sockets);
    decide(filter, IPPROTO_TCP, 2, tcp_options, tcp);
    give(filter, filter->forbidden);
}

static void build(struct filter *filter)
{
    load(filter, offsetof(struct seccomp_data, arch));
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    give(filter, SECCOMP_RET_KILL_PROCESS);
    load(filter, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    // x32's calls, which are numbers of the same architecture.
    add(filter, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    give(filter, SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < COUNT(allowed); i++) {
        skip_unless(filter, allowed[i], 1);
        give(filter, SECCOMP_RET_ALLOW);
    }
    for (size_t i = 0; i < COUNT(refused); i++) {
        skip_unless(filter, refused[i].call, 1);
        give(filter, SECCOMP_RET_ERRNO | refused[i].error);
    }
    decide_flag(filter, SYS_mmap, 2, PROT_EXEC, 0);
    decide_flag(filter, SYS_mprotect, 2, PROT_EXEC, 0);
    decide_flag(filter, SYS_clone, 0, CLONE_THREAD, 1);
    // abort(3)
    const unsigned self[] = {(unsigned)getpid()};
    decide(filter, SYS_tgkill, 0, self, 1);
    decide(filter, SYS_fcntl, 1, descriptor_commands, COUNT(descriptor_commands));
    decide(filter, SYS_ioctl, 1, controls, COUNT(controls));
    decide_option(filter);
    give(filter, filter->forbidden);
}

// MARK: For tests

static void tell_call(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    char text[64] = "forbidden system call ";
    size_t length = sizeof "forbidden system call " - 1;
    char digits[16];
    int count = 0;
    unsigned number = (unsigned)info->si_syscall;
    do digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count) text[length++] = digits[--count];
    text[length++] = '\n';
    if (write(STDERR_FILENO, text, length) < 0) _exit(1);
    ucontext_t *state = context;
#ifdef __x86_64__
    state->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#else
    state->uc_mcontext.regs[0] = (unsigned long)-ENOSYS;
#endif
}

// MARK: In force

static void *nothing(void *argument) { return argument; }

int parley_close_calls(int tells)
{
    // Starting the first thread makes glibc install a signal handler, which is forbidden from here on.
    pthread_t thread;
    if (!pthread_create(&thread, NULL, nothing, NULL)) pthread_join(thread, NULL);
    if (tells) {
        struct sigaction action = {.sa_sigaction = tell_call, .sa_flags = SA_SIGINFO | SA_NODEFER};
        sigaction(SIGSYS, &action, NULL);
    }
    struct filter filter = {.forbidden = tells ? SECCOMP_RET_TRAP : SECCOMP_RET_KILL_PROCESS};
    build(&filter);
    struct sock_fprog program = {filter.length, filter.code};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    return result < 0 ? -errno : (int)result;
}
