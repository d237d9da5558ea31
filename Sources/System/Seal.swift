// Keeps the memory of this process, which has a private key in it, where it is.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Has a crash end the process and nothing else: no core is written, Swift's crash report, which shows
/// registers and what they point to, is left out, and no other process of the same user can read
/// this one's memory (`PR_SET_DUMPABLE`, prctl(2)). Programs that are started get the limit of cores
/// back that this process began with.
///
/// Whoever wants a core, a debugger or a profiler sets `PARLEY_DUMPABLE` in the environment, to
/// anything; then nothing is changed.
package func sealMemory() {
    guard unsafe getenv("PARLEY_DUMPABLE") == nil else { return }
    parley_forbid_dumps()
}
