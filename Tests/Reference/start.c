// A program with three pipes, a session of its own and limits: what a start costs at least.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "start.h"
#include "Landlock.h"
#include "Raw.h"
#include "reference.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 65536, NAME = 16 };

struct start {
    char **arguments;
    const struct confinement *confinement;
    int input, output, errors;
    // Of the child's system calls; it shares this memory.
    int failure;
};

static char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", NULL};
static char stack[STACK] __attribute__((aligned(16)));

// As parleyd's broker does it: another user without more groups, no new privileges, and signals only to its own. The
// domain restricts signals where the kernel can; elsewhere it is none.
static int confine(const struct confinement *confinement)
{
    const struct ruleset signals_only = {.scopes = SIGNALS};
    unsigned user = confinement->user;
    if (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, user, user, user)
        || syscall(SYS_setresuid, user, user, user) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    int domain = (int)syscall(SYS_landlock_create_ruleset, &signals_only, sizeof signals_only, 0);
    if (domain < 0) return 0;
    return syscall(SYS_landlock_restrict_self, domain, 0) || close(domain) ? -1 : 0;
}

// Runs in this process's memory while this process waits.
static void child(void *argument)
{
    struct start *start = argument;
    const struct rlimit files = {1024, 1024}, cores = {0, 0};
    sigset_t none;
    sigemptyset(&none);
    if (setsid() >= 0 && dup2(start->input, 0) == 0 && dup2(start->output, 1) == 1 && dup2(start->errors, 2) == 2
        && setrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_CORE, &cores) == 0
        && close_range(3, ~0U, 0) == 0 && signal(SIGPIPE, SIG_DFL) != SIG_ERR
        && sigprocmask(SIG_SETMASK, &none, NULL) == 0 && (!start->confinement || confine(start->confinement) == 0))
        execve(start->arguments[0], start->arguments, environment);
    start->failure = errno;
    _exit(127);
}

static void make_group(struct program *program, const struct confinement *confinement)
{
    static unsigned last;
    char name[NAME];
    program->number = ++last;
    snprintf(name, sizeof name, "%u", program->number);
    if (mkdirat(confinement->groups, name, 0755)) fail("mkdir of a control group");
    program->group = openat(confinement->groups, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (program->group < 0 || flock(program->group, LOCK_EX | LOCK_NB)) fail("open of a control group");
}

static void remove_group(const struct program *program, const struct confinement *confinement)
{
    char name[NAME];
    snprintf(name, sizeof name, "%u", program->number);
    if (close(program->group) || unlinkat(confinement->groups, name, AT_REMOVEDIR)) fail("rmdir of a control group");
}

void start_program(struct program *program, char **arguments, const struct confinement *confinement)
{
    int input[2], output[2], errors[2];
    if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC) || pipe2(errors, O_CLOEXEC)) fail("pipe2");
    struct start start = {arguments, confinement, input[0], output[1], errors[1], 0};
    struct clone_args how = {.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD, .exit_signal = SIGCHLD,
        .pidfd = (uintptr_t)&program->pidfd, .stack = (uintptr_t)stack, .stack_size = STACK};
    if (confinement) {
        make_group(program, confinement);
        how.flags |= CLONE_INTO_CGROUP;
        how.cgroup = (uint64_t)program->group;
    }
    long pid = raw_clone3(&how, sizeof how, child, &start);
    if (pid < 0) {
        errno = (int)-pid;
        fail("clone3");
    }
    program->pid = (pid_t)pid;
    if (start.failure) {
        errno = start.failure;
        fail(arguments[0]);
    }
    if (close(input[0]) || close(output[1]) || close(errors[1])) fail("close");
    program->input = input[1];
    program->output = output[0];
    program->errors = errors[0];
}

void end_program(struct program *program, const struct confinement *confinement)
{
    siginfo_t end;
    if (waitid(P_PIDFD, (id_t)program->pidfd, &end, WEXITED)) fail("waitid");
    if (end.si_code != CLD_EXITED || end.si_status) {
        fprintf(stderr, "parley-reference: the program ended with %d\n", end.si_status);
        _exit(1);
    }
    int descriptors[] = {program->pidfd, program->input, program->output, program->errors};
    for (unsigned i = 0; i < sizeof descriptors / sizeof *descriptors; i++)
        if (descriptors[i] >= 0 && close(descriptors[i])) fail("close");
    if (confinement) remove_group(program, confinement);
}
