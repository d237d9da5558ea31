// Landlock: a domain in which nothing is allowed.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Landlock.h"
#include "CLinux.h"
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static int begin(const struct ruleset *ruleset, unsigned long size, unsigned flags)
{
    long result = syscall(SYS_landlock_create_ruleset, ruleset, size, flags);
    return result < 0 ? -errno : (int)result;
}

int parley_landlock_version(void) { return begin(NULL, 0, ASK_VERSION); }

// The rights of each ABI. What later ones add is not denied until it has been tested: it could be something
// that the network process needs, and seccomp covers the rest.
static struct ruleset everything(int version)
{
    struct ruleset ruleset = {.files = 0x1fff};
    if (version >= 2) ruleset.files |= 1 << 13; // to move or link between folders
    if (version >= 3) ruleset.files |= 1 << 14; // truncate
    if (version >= 5) ruleset.files |= 1 << 15; // ioctl of devices
    if (version >= 4) ruleset.network = 1 << 0 | 1 << 1; // bind and connect of TCP
    if (version >= 6) ruleset.scopes = ABSTRACT_SOCKETS | SIGNALS;
    return ruleset;
}

int parley_close_files(void)
{
    int version = parley_landlock_version();
    if (version < 0) return version;
    struct ruleset ruleset = everything(version);
    unsigned long size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int fd = begin(&ruleset, size, 0);
    if (fd < 0) return fd;
    int result = syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
    close(fd);
    return result;
}
