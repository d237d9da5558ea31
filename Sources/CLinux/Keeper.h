// What the files of a keeper share: its memory and its vocabulary.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_KEEPER_H
#define PARLEY_KEEPER_H

#include "CLinux.h"
#include "Family.h"
#include "Group.h"
#include "Limits.h"
#include "Raw.h"

enum {
    STACK = 32 << 10,
    // Its descriptors, after the program's three.
    CONTROL = 3,
    GROUP = 4,
    MILLISECOND = 1000000,
};

// What it is doing about the end of its command.
enum phase { WATCHING, TERMINATING, KILLING };

// One mapping for each keeper, of which it touches only a few pages.
struct keeper {
    // Below anything that an overflow could reach.
    char stack[STACK] __attribute__((aligned(16)));
    char program_stack[STACK] __attribute__((aligned(16)));
    // Its strings belong to the caller until the program was started.
    parley_start start;
    struct limits limits;
    // Signals whose default must be restored; bit 0 is signal 1.
    unsigned long changed;
    // -1 if it has none.
    int group;
    char group_name[PARLEY_GROUP_NAME];
    // For kernels without clone3: the program enters its group by itself.
    int enters;
    pid_t program;
    int signals;
    // Closed by the program's exec, whether or not it succeeds; -1 once that is known.
    int exec;
    enum phase phase;
    // Until when the report that it runs may wait for the program's end; 0: no longer. Until then the keeper
    // isn't woken by the exec either.
    long due;
    parley_report report;
    struct family family;
};

// What a new keeper does: prepares itself, starts the program, and watches over it. Doesn't return.
void parley_keeper_run(void *keeper);
// Watches over a program that was started, until nothing of its command is left.
__attribute__((noreturn)) void parley_keeper_keep(struct keeper *keeper);

#pragma clang attribute push( \
    __attribute__((no_sanitize("address", "thread", "undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

static inline void tell(struct keeper *keeper)
{
    // If nobody is there any more, nobody needs to know. SIGPIPE is blocked.
    raw(SYS_write, CONTROL, (long)&keeper->report, sizeof keeper->report, 0, 0);
    keeper->due = 0;
}

// Removes the group, unless something may keep running in it. Anything else in it was put there by a process that is not
// a descendant of the keeper; it is killed, and the group left to parleyd.
static inline void give_group_up(struct keeper *keeper)
{
    if (keeper->group < 0) return;
    keeper->report.reached = parley_group_reached(keeper->group, keeper->start.limits);
    if (parley_group_remove(keeper->group, keeper->group_name) == 0) return;
    keeper->report.has_group = 1;
    if (!keeper->start.is_background) parley_group_kill(keeper->group);
}

__attribute__((noreturn)) static inline void leave(void)
{
    for (;;) raw(SYS_exit_group, 0, 0, 0, 0, 0);
}

#pragma clang attribute pop

#endif
