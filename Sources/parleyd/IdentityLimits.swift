// What one identity may have of what is there for all.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console

/// The options of one identity's share, read, and their defaults. Below the certificate's first name, or its key, all of
/// a client's sessions count together.
struct IdentityLimits {
    static let options = [
        "max-identity-sessions", "reserved-sessions", "max-identity-programs",
        "max-identity-starts", "max-identity-matching",
    ]

    let sessions: SessionBook.Limits
    /// Programs at once; nil for what the table gives (`CommandTable.programsOfOneIdentity`).
    private let mostPrograms: Int?
    /// Starts of programs a second.
    let starts: Int
    /// Of comparing arguments with patterns a second (`MatchingWork`).
    let matching: Int

    /// - Parameter mostSessions: of all together.
    /// - Throws: `UsageError`.
    init(_ arguments: Console.Arguments, mostSessions: Int) throws(UsageError) {
        for name in Self.options where arguments.has(name) && !arguments.has("client-ca") {
            throw UsageError(
                "--\(name) needs --client-ca: without it no client shows who it is")
        }
        sessions = SessionBook.Limits(
            all: mostSessions,
            identity: try arguments.number("max-identity-sessions", 1...10_000_000)
                ?? max(1, mostSessions / 4),
            reserved: try arguments.number("reserved-sessions", 0...mostSessions - 1)
                ?? (mostSessions < 4 ? 0 : max(1, mostSessions / 16)))
        mostPrograms = try arguments.number("max-identity-programs", 1...10_000_000)
        starts = try arguments.number("max-identity-starts", 1...1_000_000) ?? 200
        // What people write takes some thousand steps a request, and nobody starts as many programs as the default would bound.
        matching =
            MatchingWork.millisecond
            * (try arguments.number("max-identity-matching", 1...1_000) ?? 40)
    }

    /// How many programs one identity may have running.
    func programs(_ table: CommandTable) -> Int { mostPrograms ?? table.programsOfOneIdentity }

    /// What is in force, in sentences without their full stop.
    func sentences(_ table: CommandTable) -> [String] {
        let identity = min(sessions.identity, sessions.all)
        var lines = [
            "\(sessions.all) sessions at once, \(identity) of one identity, and the last \(sessions.reserved) for identities that have none"
        ]
        if table.hasPrograms {
            lines.append(
                "\(programs(table)) programs of one identity at once, and \(starts) starts of one a second, in bursts of \(starts * 10)"
            )
            let milliseconds = matching / MatchingWork.millisecond
            lines.append(
                "\(milliseconds) ms a second or so for comparing the arguments of one identity with patterns, in bursts of \(milliseconds * 10) ms"
            )
        }
        return lines
    }
}
