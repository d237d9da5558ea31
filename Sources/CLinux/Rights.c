// How a process gives up rights: users, capabilities, set-user-ID programs, signals to others.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include "Landlock.h"
#include "Limits.h"
#include "Raw.h"
#include "Rights.h"
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

static long control(int what, unsigned long value)
{
    return raw(SYS_prctl, what, (long)value, 0, 0, 0);
}

// What execve(2) could grant: a process that may not drop it has none of it.
static void empty_bounds(void)
{
    for (unsigned long number = 0; number < 64; number++)
        if (control(PR_CAPBSET_DROP, number) < 0) return;
}

struct capabilities {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static void clear(struct capabilities *own)
{
    own->header.version = _LINUX_CAPABILITY_VERSION_3;
    own->header.pid = 0;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        own->data[i].effective = 0;
        own->data[i].permitted = 0;
        own->data[i].inheritable = 0;
    }
}

static int has_capabilities(void)
{
    struct capabilities own;
    clear(&own);
    if (raw(SYS_capget, (long)&own.header, (long)own.data, 0, 0, 0) < 0) return 1;
    unsigned any = 0;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        any |= own.data[i].effective | own.data[i].permitted | own.data[i].inheritable;
    return any != 0;
}

long parley_drop_capabilities(void)
{
    struct capabilities none;
    clear(&none);
    // Ambient ones are dropped along with the inheritable ones.
    long result = raw(SYS_capset, (long)&none.header, (long)none.data, 0, 0, 0);
    // A filter of system calls may refuse it (systemd's @privileged), which matters only if there are any.
    return result < 0 && !has_capabilities() ? 0 : result;
}

static long change_user(const parley_rights *rights)
{
    long user = rights->user, group = rights->group;
    // The user last: it takes the right to change the others with it.
    long result = raw(SYS_setgroups, rights->group_count, (long)rights->groups, 0, 0, 0);
    if (result == 0) result = raw(SYS_setresgid, group, group, group, 0, 0);
    if (result == 0) result = raw(SYS_setresuid, user, user, user, 0, 0);
    // That made the kernel apply fs.suid_dumpable to everything that shares this memory.
    if (parley_original_limits.is_sealed) control(PR_SET_DUMPABLE, 0);
    return result;
}

static long scope_signals(void)
{
    struct ruleset ruleset;
    ruleset.files = 0;
    ruleset.network = 0;
    ruleset.scopes = SIGNALS;
    long fd = raw(SYS_landlock_create_ruleset, (long)&ruleset, sizeof ruleset, 0, 0, 0);
    if (fd < 0) return fd;
    long result = raw(SYS_landlock_restrict_self, fd, 0, 0, 0, 0);
    raw(SYS_close, fd, 0, 0, 0, 0);
    return result;
}

long parley_take_programs_rights(const parley_rights *rights)
{
    long result = 0;
    if (rights->has_account && (result = change_user(rights)) < 0) return result;
    // Without capabilities, root isn't root.
    int keeps = rights->may_gain && raw(SYS_geteuid, 0, 0, 0, 0, 0) == 0;
    if (!keeps && (result = parley_drop_capabilities()) < 0) return result;
    if (rights->may_gain) return rights->has_signal_scope ? -EINVAL : 0;
    if ((result = control(PR_SET_NO_NEW_PRIVS, 1)) < 0) return result;
    return rights->has_signal_scope ? scope_signals() : 0;
}

long parley_take_rights(const parley_rights *rights)
{
    // While it still has the right to.
    if (!rights->may_gain) empty_bounds();
    return parley_take_programs_rights(rights);
}

#pragma clang attribute pop
