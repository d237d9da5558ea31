// What a process may do no more: files (Landlock), system calls (seccomp), users and capabilities.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_CONFINEMENT_H
#define PARLEY_CONFINEMENT_H

// Whose rights a process takes on.
typedef struct parley_rights {
    // Whether it becomes another user; needs root. The groups may be none.
    int has_account;
    unsigned user, group;
    const unsigned *groups;
    long group_count;
    // Whether set-id programs such as sudo give it rights. It has capabilities then if it is root, and no others.
    // Otherwise it has none, and no program that it executes can give it any.
    int may_gain;
    // Whether it may signal only itself and what it starts (Landlock's ABI 6); not together with `may_gain`.
    int has_signal_scope;
} parley_rights;

// Has the calling thread take them on, and what it starts from then on. It makes raw system calls only, so that what
// runs in another process's memory may call it. The result is 0 or -errno, after which it must end.
// A change of user clears PR_SET_PDEATHSIG.
long parley_take_rights(const parley_rights *rights);

// Whether a process with these rights might use a path, as access(2) asks with `mode`: 0 or -errno. A child of a moment
// asks the kernel, with the user for files only: a process of that user's can't stop or trace it. It takes of the
// rights what counts for files. `has_become` says whether it could; else the result says why not.
int parley_access_as(const parley_rights *rights, const char *path, int mode, int *has_become);

// Landlock's ABI, from 1; below zero it is -errno.
int parley_landlock_version(void);
// Denies the calling thread, and what it starts from then on, every access to files and to the network that Landlock
// knows, and signals and abstract sockets of others where it knows these. Descriptors that are open stay as they are.
// Needs no_new_privs. The result is 0 or -errno.
int parley_close_files(void);

// Whether this is the process's only thread; below zero it can't be told.
int parley_is_alone(void);
// Empties the environment, also where /proc/PID/environ shows it.
void parley_wipe_environment(void);
// No core, no file written; sealed, it is not dumpable as well, and crash handlers are as the system has them. The result
// is 0 or -errno.
int parley_close_limits(int seals);
// No further process, and for anybody but root no further thread. The result is 0 or -errno.
int parley_close_processes(void);

// Has all threads make the system calls of the network process only (seccomp(2)); any other one ends the process. Where
// `tells` is set it fails with ENOSYS instead, and its number is written to descriptor 2: for tests. Needs no_new_privs.
// The result is 0; -errno; or, above zero, the number of a thread that has a filter of its own and so can't have this.
int parley_close_calls(int tells);

// Whether no program that this process executes can give it rights (no_new_privs).
int parley_gains_nothing(void);

#endif
