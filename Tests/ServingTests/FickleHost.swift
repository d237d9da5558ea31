// A host that changes its mind while a session waits.
// SPDX-License-Identifier: Apache-2.0
import Commands

@testable import Remote
@testable import Serving

/// Admits nothing, and tells what it was asked. Confined to its loop.
final class FickleHost: RemoteHost {
    private(set) var table: CommandTable
    private(set) var replies: FixedReplies
    let identity = Identity(names: ["dns:client"], key: "key:sha256:none")
    let grace = Duration.seconds(5)
    let whoami = "dns:client\n"
    /// What it says against the client from here on.
    var reason: Refusal?
    /// How often it was asked for that: once for each turn in which something was answered.
    private(set) var turns = 0
    /// The programs that would have started.
    private(set) var admitted: [String] = []

    /// - Parameter commands: the table's, as JSON5 within its braces.
    init(_ commands: String) throws {
        table = try Self.table(commands)
        replies = FixedReplies(table)
    }

    /// Puts another table in force.
    func use(_ commands: String) throws {
        table = try Self.table(commands)
        replies = FixedReplies(table)
    }

    private static func table(_ commands: String) throws -> CommandTable {
        try CommandTable(text: "{commands: {\(commands)}}", name: "t")
    }

    var objection: Refusal? {
        turns += 1
        return reason
    }

    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Permit, Refusal> {
        admitted.append(program.path)
        return .failure(Refusal(.busy, "it is"))
    }

    func refused(
        _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal
    ) {}
    func replied(_ name: Span<UInt8>) {}
    func wroteReplies() {}
}
