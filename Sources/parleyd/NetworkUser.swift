// The user that the network process runs as.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import System

/// The user that the network process becomes, if root starts the server.
struct NetworkUser {
    /// Nil to keep the server's user.
    let numbers: UserNumbers?
    /// Why it runs as the server's own user although that is root, as sentences without a full stop.
    let warnings: [String]

    /// - Throws: `userUnknown`.
    init(_ options: ServerOptions) throws(ConfigurationError) {
        guard geteuid() == 0 else {
            numbers = nil
            warnings = []
            return
        }
        let name = options.networkUser
        let user: UserNumbers?
        do throws(Errno) {
            // It opens no file for which another group could matter.
            user = try UserNumbers(alone: name)
        } catch {
            throw ConfigurationError(
                .userUnknown,
                "cannot look up \(escaped(name)), the user that the network process runs as (\(error)); check the name services (/etc/nsswitch.conf)"
            )
        }
        guard let user else {
            throw ConfigurationError(
                .userUnknown,
                "there is no user \(escaped(name)) for the network process to run as; name another one with --network-user, or run: \(Self.making(options))"
            )
        }
        guard let reason = UserAccess.obstacle(becoming: user) else {
            numbers = user
            warnings = []
            return
        }
        numbers = nil
        warnings = [
            "it runs as parleyd's own user because it cannot become \(escaped(name)) (\(reason)); that needs CAP_SETUID and CAP_SETGID"
        ]
    }

    /// The commands that create the missing users.
    private static func making(_ options: ServerOptions) -> String {
        [options.networkUser, options.programUser].filter { (try? UserNumbers(alone: $0)) == nil }
            .map {
                "useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \(shellWord($0))"
            }.joined(separator: " && ")
    }
}

extension ConfigurationError.Code {
    /// There is no user with a name that is needed.
    static var userUnknown: Self { Self(rawValue: "userUnknown") }
}
