// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Group.h"
#include "CLinux.h"
#include "Raw.h"
#include "Text.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

static long write_file(int group, const char *file, const char *text, const char *end)
{
    long fd = raw(SYS_openat, group, (long)file, O_WRONLY | O_CLOEXEC, 0, 0);
    if (fd < 0) return fd;
    long result = raw(SYS_write, fd, (long)text, end - text, 0, 0);
    raw(SYS_close, fd, 0, 0, 0, 0);
    return result < 0 ? result : 0;
}

long parley_group_enter(int group)
{
    const char self[] = "0";
    return write_file(group, "cgroup.procs", self, self + 1);
}

long parley_group_kill(int group)
{
    const char all[] = "1";
    return write_file(group, "cgroup.kill", all, all + 1);
}

int parley_group_can_be_killed(int group)
{
    return raw(SYS_faccessat, group, (long)"cgroup.kill", W_OK, 0, 0) == 0;
}

long parley_group_bound_memory(int group, long bytes)
{
    char text[32];
    return write_file(group, "memory.max", text, put_number(text, bytes));
}

// The count in a line of its own after a key; 0 if there is none.
static long count_of(int group, const char *file, const char *key)
{
    char text[512];
    long fd = raw(SYS_openat, group, (long)file, O_RDONLY | O_CLOEXEC, 0, 0);
    if (fd < 0) return 0;
    long length = raw(SYS_read, fd, (long)text, sizeof text, 0, 0);
    raw(SYS_close, fd, 0, 0, 0, 0);
    for (long at = 0; at < length;) {
        long next = 0;
        while (key[next] && at + next < length && text[at + next] == key[next]) next++;
        at += next;
        if (!key[next] && at < length && text[at] == ' ') {
            long count = 0;
            while (++at < length && is_digit(text[at])) count = count * 10 + (text[at] - '0');
            return count;
        }
        while (at < length && text[at++] != '\n') continue;
    }
    return 0;
}

int parley_group_reached(int group, int limits)
{
    int reached = 0;
    // `oom` counts only for this group's own limit, and `oom_kill` whatever made the kernel kill.
    if (limits & PARLEY_OVER_MEMORY && count_of(group, "memory.events", "oom")
        && count_of(group, "memory.events", "oom_kill"))
        reached |= PARLEY_OVER_MEMORY;
    if (limits & PARLEY_OVER_PROCESSES && count_of(group, "pids.events", "max"))
        reached |= PARLEY_OVER_PROCESSES;
    return reached;
}

long parley_group_remove(int group, const char *name)
{
    char path[PARLEY_GROUP_NAME + 4];
    put(put(path, "../"), name);
    return raw(SYS_unlinkat, group, (long)path, AT_REMOVEDIR, 0, 0);
}

#pragma clang attribute pop
