// Keeps the memory of this process, which has a private key in it, from leaking.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Makes a crash end the process and nothing else: no core dump is written, Swift's crash report,
/// which shows registers and what they point to, is suppressed, and no other process of the same user
/// can read this one's memory (`PR_SET_DUMPABLE`, prctl(2)). Programs that are started get back the
/// core limit that this process began with.
///
/// To get a core dump, or to use a debugger or a profiler, set `PARLEY_DUMPABLE` in the environment
/// to anything; then nothing is changed.
package func sealMemory() {
    guard unsafe getenv("PARLEY_DUMPABLE") == nil else { return }
    parley_forbid_dumps()
}
