// Where a user's files are, by the XDG Base Directory Specification.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// This program's folders among a user's own, which need not be there.
package enum UserFolder {
    /// `$XDG_CONFIG_HOME/parley`, by default `~/.config/parley`; nil where neither is known.
    package static var configuration: String? { folder("XDG_CONFIG_HOME", ".config") }

    /// `$XDG_STATE_HOME/parley`, by default `~/.local/state/parley`; nil where neither is known.
    package static var state: String? { folder("XDG_STATE_HOME", ".local/state") }

    /// `$XDG_CACHE_HOME/parley`, by default `~/.cache/parley`; nil where neither is known.
    package static var cache: String? { folder("XDG_CACHE_HOME", ".cache") }

    private static func folder(_ name: String, _ usual: String) -> String? {
        let base = absolute(name) ?? absolute("HOME").map { "\($0)/\(usual)" }
        return base.map { "\($0)/parley" }
    }

    /// What is not absolute is to be ignored, as the specification says.
    private static func absolute(_ name: String) -> String? {
        let text = unsafe getenv(name).map { unsafe String(cString: $0) }
        return text.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
    }
}
