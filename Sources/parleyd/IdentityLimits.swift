// What one identity may have of what all share.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console

/// The options for one identity's share, parsed, and their defaults. All sessions of a client count together, under the
/// first name of its certificate, or under its key.
struct IdentityLimits {
    static let options = [
        "max-identity-sessions", "reserved-sessions", "max-identity-programs",
        "max-identity-starts", "max-identity-matching", "max-identity-refusals",
    ]

    let sessions: SessionBook.Limits
    /// Programs at once; nil for what the table implies (`CommandTable.programsOfOneIdentity`).
    private let maxPrograms: Int?
    /// Program starts per second.
    let starts: Int
    /// Of comparing arguments with patterns a second (`MatchingWork`).
    let matching: Int
    /// Commands a second that are refused without a delay.
    let refusals: Int

    /// - Parameter maxSessions: the limit for all identities together.
    /// - Throws: `UsageError`.
    init(_ arguments: Console.Arguments, maxSessions: Int) throws(UsageError) {
        for name in Self.options where arguments.has(name) && !arguments.has("client-ca") {
            throw UsageError(
                "--\(name) needs --client-ca: without it, clients have no identity")
        }
        sessions = SessionBook.Limits(
            all: maxSessions,
            identity: try arguments.number("max-identity-sessions", 1...10_000_000)
                ?? max(1, maxSessions / 4),
            reserved: try arguments.number("reserved-sessions", 0...maxSessions - 1)
                ?? (maxSessions < 4 ? 0 : max(1, maxSessions / 16)))
        maxPrograms = try arguments.number("max-identity-programs", 1...10_000_000)
        starts = try arguments.number("max-identity-starts", 1...1_000_000) ?? 200
        // What people write takes some thousand steps a request, and nobody starts as many programs as the default would bound.
        matching =
            MatchingWork.millisecond
            * (try arguments.number("max-identity-matching", 1...1_000) ?? 40)
        refusals = try arguments.number("max-identity-refusals", 1...1_000_000) ?? 100
    }

    /// How many programs one identity may have running.
    func programs(_ table: CommandTable) -> Int { maxPrograms ?? table.programsOfOneIdentity }

    /// What is in force, as sentences without a full stop.
    func sentences(_ table: CommandTable) -> [String] {
        let identity = min(sessions.identity, sessions.all)
        var lines = [
            "\(sessions.all) sessions at once, \(identity) per identity, the last \(sessions.reserved) reserved for identities that have none"
        ]
        if table.hasPrograms {
            lines.append(
                "\(programs(table)) programs at once per identity, and \(starts) starts per second, in bursts of up to \(starts * 10)"
            )
            let milliseconds = matching / MatchingWork.millisecond
            lines.append(
                "\(milliseconds) ms a second or so for comparing the arguments of one identity with patterns, in bursts of \(milliseconds * 10) ms"
            )
            lines.append(
                "\(refusals) refused commands of one identity a second, in bursts of \(refusals * 10), after which the answers wait"
            )
        }
        return lines
    }
}
