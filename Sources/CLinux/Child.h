// A process on its way to its exec: what it shares with whoever starts it, in whose memory it runs.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_CHILD_H
#define PARLEY_CHILD_H

#include "CLinux.h"
#include "Limits.h"
#include "Raw.h"

enum { STACK = 32 << 10 };

struct child {
    // Below anything that an overflow could reach.
    char stack[STACK] __attribute__((aligned(16)));
    // Its strings belong to the caller until the program was started.
    parley_start start;
    struct limits limits;
    // Signals whose default must be restored; bit 0 is signal 1.
    unsigned long changed;
    // Its control group, which it enters by itself for kernels without clone3; -1 if it needn't.
    int entered;
    // Whose end ends it, and who has put its descriptors in their places; 0: nobody.
    pid_t keeper;
    // Without a keeper: what its exec closes; -1 for none.
    int exec;
    parley_report report;
};

// All that is needed of a start. The rest of `child` is empty.
void parley_child_prepare(struct child *child, const parley_start *start);
// What the new process does, on a stack of its own. Doesn't return.
void parley_child_run(void *child);
// What clone3(2) needs for it, in a control group. It is never outside its group: being moved takes ten times as long.
struct clone_args;
void parley_child_describe(struct child *child, int group, unsigned long flags, struct clone_args *how);

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

// The kernel's version: all of its fields are longs.
static inline void set_disposition(int signal, void (*handler)(int))
{
    long action[8];
    for (int i = 0; i < 8; i++) action[i] = 0;
    action[0] = (long)handler;
    raw(SYS_rt_sigaction, signal, (long)action, 0, 8, 0);
}

static inline void set_mask(unsigned long mask)
{
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask, 0);
}

__attribute__((noreturn)) static inline void leave(void)
{
    for (;;) raw(SYS_exit_group, 0, 0, 0, 0, 0);
}

#pragma clang attribute pop

#endif
