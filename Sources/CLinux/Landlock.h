// Landlock's constants (landlock(7)), of which Debian 12's headers only have the first two versions.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_LANDLOCK_H
#define PARLEY_LANDLOCK_H

// struct landlock_ruleset_attr: what is denied unless a rule allows it. Older kernels accept its first
// part.
struct ruleset {
    unsigned long files, network, scopes;
};

enum {
    ABSTRACT_SOCKETS = 1 << 0,
    SIGNALS = 1 << 1,
    // LANDLOCK_CREATE_RULESET_VERSION
    ASK_VERSION = 1 << 0,
};

#endif
