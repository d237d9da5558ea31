// What the files of a keeper share: its memory and its vocabulary.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_KEEPER_H
#define PARLEY_KEEPER_H

#include "Child.h"
#include "Family.h"
#include "Group.h"

enum {
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
    // What is to become the program.
    struct child child;
    // -1 if it has none.
    int group;
    char group_name[PARLEY_GROUP_NAME];
    pid_t program;
    int signals;
    // Closed by the program's exec, whether or not it succeeds; -1 once that is known.
    int exec;
    enum phase phase;
    // Until when the report that it runs may wait for the program's end; 0: no longer. Until then the keeper
    // isn't woken by the exec either.
    long due;
    struct family family;
};

// What a new keeper does: prepares itself, starts the program, and watches over it. Doesn't return.
void parley_keeper_run(void *keeper);
// Watches over a program that was started, until nothing of its command is left.
__attribute__((noreturn)) void parley_keeper_keep(struct keeper *keeper);

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

static inline void tell(struct keeper *keeper)
{
    // If nobody is there any more, nobody needs to know. SIGPIPE is blocked.
    raw(SYS_write, CONTROL, (long)&keeper->child.report, sizeof keeper->child.report, 0, 0);
    keeper->due = 0;
}

// Removes the group, unless something may keep running in it. Anything else in it was put there by a process that is
// not a descendant of the keeper; it is killed, and the group left to parleyd.
static inline void give_group_up(struct keeper *keeper)
{
    if (keeper->group < 0) return;
    keeper->child.report.reached = parley_group_reached(keeper->group, keeper->child.start.limits);
    if (parley_group_remove(keeper->group, keeper->group_name) == 0) return;
    keeper->child.report.has_group = 1;
    if (!keeper->child.start.is_background) parley_group_kill(keeper->group);
}

#pragma clang attribute pop

#endif
