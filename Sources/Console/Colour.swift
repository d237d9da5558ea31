// Whether and how a terminal shows what matters.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Escape sequences of ECMA-48, as every terminal but a dumb one has them.
enum Colour {
    static let bold = "\u{1b}[1m"
    static let red = "\u{1b}[31m"
    static let none = "\u{1b}[0m"

    /// Whether a descriptor is a terminal that knows them, and its user hasn't set NO_COLOR (no-color.org).
    static func isWanted(on descriptor: Int32) -> Bool {
        guard isatty(descriptor) == 1, let kind = unsafe getenv("TERM"),
            unsafe strcmp(kind, "dumb") != 0, unsafe kind[0] != 0
        else { return false }
        guard let refusal = unsafe getenv("NO_COLOR") else { return true }
        return unsafe refusal[0] == 0
    }
}
