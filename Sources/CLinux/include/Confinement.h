// What a process may no longer do: files (Landlock), system calls (seccomp), users and capabilities.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_CONFINEMENT_H
#define PARLEY_CONFINEMENT_H

// Whose rights a process takes on.
typedef struct parley_rights {
    // Whether it becomes another user; requires root. The list of groups may be empty.
    int has_account;
    unsigned user, group;
    const unsigned *groups;
    long group_count;
    // Whether set-user-ID programs such as sudo give it rights. It then has capabilities if it is root, and no
    // others. Otherwise it has none, and no program that it executes can give it any.
    int may_gain;
    // Whether it may signal only itself and what it starts (Landlock ABI 6); not together with `may_gain`.
    int has_signal_scope;
} parley_rights;

// Makes the calling thread, and what it starts from then on, take on these rights. It makes only raw system calls,
// so code that runs in another process's memory may call it. The result is 0 or -errno, after which the caller must
// exit.
// A change of user clears PR_SET_PDEATHSIG.
long parley_take_rights(const parley_rights *rights);

// Whether a process with these rights could use a path, as access(2) asks with `mode`: 0 or -errno. A short-lived child
// asks the kernel, with the user set for files only: a process of that user can't stop or trace it. It takes on those
// of the rights that matter for files. `has_become` says whether it could; if not, the result says why.
int parley_access_as(const parley_rights *rights, const char *path, int mode, int *has_become);

// Landlock's ABI, from 1; below zero it is -errno.
int parley_landlock_version(void);
// Denies the calling thread, and what it starts from then on, all access to files and the network that Landlock
// knows, and signals and abstract sockets of others if it knows these. Descriptors that are open stay open. Requires
// no_new_privs. The result is 0 or -errno.
int parley_close_files(void);

// Whether this is the process's only thread; below zero if that can't be determined.
int parley_is_alone(void);
// Empties the environment, including what /proc/PID/environ shows.
void parley_wipe_environment(void);
// No core dump, no file written; if sealed, it is also not dumpable, and crash handlers are the system's. The result is 0
// or -errno.
int parley_close_limits(int seals);
// No more processes, and for anyone but root no more threads. The result is 0 or -errno.
int parley_close_processes(void);

// Restricts all threads to the system calls of the network process (seccomp(2)); any other call ends the process. If
// `tells` is set the call fails with ENOSYS instead, and its number is written to descriptor 2: for tests. Requires
// no_new_privs. The result is 0; -errno; or, above zero, the ID of a thread that has a filter of its own and so can't
// get this one.
int parley_close_calls(int tells);

// Whether no program that this process executes can give it rights (no_new_privs).
int parley_gains_nothing(void);

#endif
