// What this machine's kernel supports of Landlock.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Landlock (landlock(7)) as this machine has it.
package enum Landlock {
    /// Its ABI, from 1; nil if there is none.
    package static var version: Int? {
        let version = parley_landlock_version()
        return version > 0 ? Int(version) : nil
    }

    /// Whether a process can be kept from signalling any but those that it starts.
    package static let scopesSignals = (version ?? 0) >= 6

    /// Why a process can't be kept from that, as a sentence without a full stop; nil if it can.
    package static var signalsMissing: String? { scopesSignals ? nil : missing.last }

    /// What a process that is allowed nothing can still do, as sentences without a full stop; empty
    /// if Landlock has everything that is needed.
    package static var missing: [String] { missing(parley_landlock_version()) }

    /// The same for a version, or for `-errno`.
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
