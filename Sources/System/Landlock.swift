// What this machine's kernel has of Landlock.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Landlock (landlock(7)) as this machine has it.
package enum Landlock {
    /// Its ABI, from 1; nil where there is none.
    package static var version: Int? {
        let version = parley_landlock_version()
        return version > 0 ? Int(version) : nil
    }

    /// Whether a process can be kept from signalling others than those that it starts.
    package static var scopesSignals: Bool { (version ?? 0) >= 6 }

    /// Why a process can't be kept from that, in a sentence without its full stop; nil where it can.
    package static var signalsMissing: String? { scopesSignals ? nil : missing.last }

    /// What a process that nothing is allowed to can do all the same, in sentences without their full
    /// stop; empty where Landlock has all that is asked of it.
    package static var missing: [String] { missing(parley_landlock_version()) }

    /// The same of a version, or of `-errno`.
    static func missing(_ version: Int32) -> [String] {
        guard version > 0 else {
            let reason =
                switch -version {
                case ENOSYS: "the kernel is older than 5.13 or was built without it"
                case EOPNOTSUPP: "the kernel has it switched off (lsm= on its command line)"
                default: "a filter of this container refuses it (\(Errno(-version)))"
                }
            return ["Landlock is missing: \(reason)"]
        }
        var missing: [String] = []
        if version < 3 {
            missing.append(
                "Landlock cannot keep files from being truncated: the kernel is older than 6.2")
        }
        if version < 4 {
            missing.append("Landlock cannot restrict the network: the kernel is older than 6.7")
        }
        if version < 6 {
            missing.append("Landlock cannot restrict signals: the kernel is older than 6.12")
        }
        return missing
    }
}
