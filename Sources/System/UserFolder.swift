// Where a user's files are, according to the XDG Base Directory Specification.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// This program's folders for one user, which need not exist.
package enum UserFolder {
    /// `$XDG_CONFIG_HOME/parley`, by default `~/.config/parley`; nil if neither is known.
    package static var configuration: String? { folder("XDG_CONFIG_HOME", ".config") }

    /// `$XDG_STATE_HOME/parley`, by default `~/.local/state/parley`; nil if neither is known.
    package static var state: String? { folder("XDG_STATE_HOME", ".local/state") }

    /// `$XDG_CACHE_HOME/parley`, by default `~/.cache/parley`; nil if neither is known.
    package static var cache: String? { folder("XDG_CACHE_HOME", ".cache") }

    private static func folder(_ name: String, _ usual: String) -> String? {
        let base = absolute(name) ?? absolute("HOME").map { "\($0)/\(usual)" }
        return base.map { "\($0)/parley" }
    }

    /// Relative paths must be ignored, according to the specification.
    private static func absolute(_ name: String) -> String? {
        let text = unsafe getenv(name).map { unsafe String(cString: $0) }
        return text.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
    }
}
