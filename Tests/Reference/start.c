// A program with three pipes, a session of its own and limits: what a start costs at least.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "start.h"
#include "reference.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 65536 };

struct start {
    char **arguments;
    int input, output, errors;
    // Of the child's system calls; it shares this memory.
    int failure;
};

static char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", NULL};
static char stack[STACK] __attribute__((aligned(16)));

// Runs in this process's memory while this process waits.
static int child(void *argument)
{
    struct start *start = argument;
    const struct rlimit files = {1024, 1024}, cores = {0, 0};
    sigset_t none;
    sigemptyset(&none);
    if (setsid() >= 0 && dup2(start->input, 0) == 0 && dup2(start->output, 1) == 1 && dup2(start->errors, 2) == 2
        && setrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_CORE, &cores) == 0
        && close_range(3, ~0U, 0) == 0 && signal(SIGPIPE, SIG_DFL) != SIG_ERR
        && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execve(start->arguments[0], start->arguments, environment);
    start->failure = errno;
    _exit(127);
}

void start_program(struct program *program, char **arguments)
{
    int input[2], output[2], errors[2];
    if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC) || pipe2(errors, O_CLOEXEC)) fail("pipe2");
    struct start start = {arguments, input[0], output[1], errors[1], 0};
    program->pid = clone(
        child, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &start, &program->pidfd);
    if (program->pid < 0) fail("clone");
    if (start.failure) {
        errno = start.failure;
        fail(arguments[0]);
    }
    if (close(input[0]) || close(output[1]) || close(errors[1])) fail("close");
    program->input = input[1];
    program->output = output[0];
    program->errors = errors[0];
}

void end_program(struct program *program)
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
}
