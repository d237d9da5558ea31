// Reads the users that a table's programs run as.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSON5
internal import System

/// Looks each user up once, since a name service may take its time.
struct UserReader {
    let users: ProgramUsers
    private var own: ProgramUser?
    private var found: [String: Found] = [:]

    private enum Found {
        case user(ProgramUser)
        case unknown
        case flawed(String, Cause)
    }

    init(_ users: ProgramUsers) { self.users = users }

    /// The user that an entry names, or its default user.
    ///
    /// - Parameters:
    ///   - node: the value of `user`.
    ///   - offset: the command's place.
    /// - Throws: `wrongType`, `invalidValue`, `unknownUser`, `impossibleUser`.
    mutating func user(
        _ node: JSON5Node?, of command: String, at offset: Int
    ) throws(Mistake) -> ProgramUser {
        switch (users, node) {
        case (.own, nil): return ownUser()
        case (.own, let node?): return try confirm(node)
        case (.named, let node?):
            let name = try Self.name(node)
            switch find(name) {
            case .user(let user): return user
            case .unknown:
                throw Mistake(
                    .unknownUser, at: node.offset,
                    "'user' is \(quoted(name)), but there is no such user; \(Self.expected), or create it"
                )
            case .flawed(let words, let cause):
                throw Mistake(
                    .impossibleUser, at: node.offset, "'user' is \(quoted(name)), \(words)",
                    cause: cause)
            }
        case (.named(let name), nil):
            let what =
                "the command \(quoted(command)) has no 'user' and would run as \(quoted(name))"
            switch find(name) {
            case .user(let user) where user.number == 0:
                throw Mistake(
                    .impossibleUser, at: offset,
                    "\(what), which is root; expected user: \"root\" in its entry if that is meant")
            case .user(let user): return user
            case .unknown:
                throw Mistake(
                    .unknownUser, at: offset,
                    "\(what), but there is no such user; name another in 'user', or run: \(Self.making(name))"
                )
            case .flawed(let words, let cause):
                throw Mistake(.impossibleUser, at: offset, "\(what), \(words)", cause: cause)
            }
        }
    }

    /// If all programs run as this process's user, no other may be named.
    private mutating func confirm(_ node: JSON5Node) throws(Mistake) -> ProgramUser {
        let name = try Self.name(node)
        let user = ownUser()
        guard name != user.account.name else { return user }
        let number: UInt32?
        do throws(Errno) {
            number = try KnownUser(name: name)?.numbers.user
        } catch {
            throw Mistake(
                .impossibleUser, at: node.offset,
                "'user' is \(quoted(name)), \(Self.unanswered(error))", cause: .system(error))
        }
        // One user ID may have several names.
        guard number == user.number else {
            throw Mistake(
                .impossibleUser, at: node.offset,
                "'user' is \(quoted(name)), but a parleyd that does not run as root starts programs only as its own user, which is \(quoted(user.account.name)); omit 'user', or start parleyd as root"
            )
        }
        return user
    }

    private mutating func ownUser() -> ProgramUser {
        let user = own ?? ProgramUser.own()
        own = user
        return user
    }

    private mutating func find(_ name: String) -> Found {
        if let known = found[name] { return known }
        let answer: Found
        do throws(Errno) {
            if let user = try KnownUser(name: name) {
                if let reason = UserAccess.obstacle(becoming: user.numbers) {
                    // If nobody may change groups, as in a user namespace that an ordinary user created.
                    let isOwn = user.numbers.user == geteuid() && user.numbers.group == getegid()
                    answer =
                        isOwn
                        ? .user(ProgramUser(own: user.account))
                        : .flawed(
                            "which parleyd can't become (\(reason)); give parleyd the capabilities CAP_SETUID and CAP_SETGID, in a user namespace that has this user",
                            .system(reason))
                } else {
                    answer = .user(ProgramUser(user))
                }
            } else {
                answer = .unknown
            }
        } catch {
            answer = .flawed(Self.unanswered(error), .system(error))
        }
        found[name] = answer
        return answer
    }

    private static func name(_ node: JSON5Node) throws(Mistake) -> String {
        let name = try node.kernelString("'user'", "the name of a user of this machine")
        // A number could not be distinguished from the name of a user who is called by a number.
        guard !name.isEmpty, !name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw Mistake(
                .invalidValue, at: node.offset,
                name.isEmpty
                    ? "'user' is empty; \(expected)"
                    : "'user' is \(quoted(name)), a number; \(expected)")
        }
        return name
    }

    private static func unanswered(_ reason: Errno) -> String {
        "which the system can't look up (\(reason)); check its name services (/etc/nsswitch.conf)"
    }

    /// A user that owns nothing and that nobody logs in as.
    private static func making(_ name: String) -> String {
        "useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \(shellWord(name))"
    }

    private static let expected = "expected the name of a user of this machine"
}
