// What the system knows about its users.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A user of the system, as a login would describe it to a program.
public struct UserAccount: Hashable, Sendable {
    /// The name to log in with, or the number of a user that has none.
    public let name: String
    /// The home folder, which need not exist.
    public let home: String
    /// The path of the login shell, which need not exist.
    public let shell: String

    /// Any user, whether or not the system knows it.
    public init(name: String, home: String, shell: String) {
        self.name = name
        self.home = home
        self.shell = shell
    }

    /// The user of this process (its effective user). One without an entry in the system, as in
    /// many containers, is named by its number and has `/` as its home.
    ///
    /// May wait for a name service: ask once, at startup.
    public static func current() -> Self {
        let user = geteuid()
        return Self(number: user) ?? Self(name: String(user), home: "/", shell: fallbackShell)
    }

    /// A user by number (`uid_t`); nil if the system has no entry for it. May wait for a name
    /// service.
    init?(number: UInt32) {
        guard let entry = try? UserEntry(number: number) else { return nil }
        self.init(entry)
    }

    init(_ entry: UserEntry) {
        // An empty field is one that nobody filled in (passwd(5)).
        self.init(
            name: entry.name, home: entry.home.isEmpty ? "/" : entry.home,
            shell: entry.shell.isEmpty ? Self.fallbackShell : entry.shell)
    }

    /// `HOME`, `USER`, `LOGNAME` and `SHELL`.
    public var environment: [String: String] {
        ["HOME": home, "USER": name, "LOGNAME": name, "SHELL": shell]
    }

    private static let fallbackShell = "/bin/sh"
}
