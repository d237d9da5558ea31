// What becomes of a request: the one place that says what may start.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Remote
internal import System

/// What becomes of a request.
enum Decision {
    /// A program may start.
    case program(Approved)
    /// Nothing starts, and this is said.
    case answer(Answer)
}

/// What is said where no program starts.
enum Answer {
    case reply(FixedReplies.Reply)
    /// The text of a command of the server's own.
    case text(String)
    /// With the command's entry, where it has one.
    case refusal(Refusal, CommandEntry?)

    /// Whether the server closes after it.
    var closes: Bool { if case .reply(let reply) = self { reply.closes } else { false } }

    /// An output and its exit, or a refusal.
    var frames: [UInt8] {
        switch self {
        case .reply(let reply): return reply.frames
        case .text(let text):
            var frames: [UInt8] = []
            frames.append(.output, cutting: Array(text.utf8))
            return frames + Outcome.ended(.status(0)).frame
        case .refusal(let refusal, _): return refusal.frame
        }
    }
}

/// A program that may start.
struct Approved {
    let request: Request
    let entry: CommandEntry
    let program: ProgramEntry
    let invocation: ProgramEntry.Invocation
    /// The one in force when it was approved.
    let table: CommandTable
}

extension RemoteHost {
    /// Says what becomes of a request. It is asked when the run is read, so that a refusal waits for
    /// nothing, and once more when a program's turn has come: a client that leaves its earlier answers
    /// unread could otherwise keep a permission that was taken from it meanwhile.
    ///
    /// - Parameters:
    ///   - objection: what there is against every request of this client's now.
    ///   - earlier: what it was told before, of whose values the patterns need not be asked again.
    ///   - cost: grows by what this took beside a look-up, in shares of a turn.
    func decide(
        _ request: Request, _ objection: Refusal?, after earlier: Approved? = nil,
        cost: inout Int
    ) -> Decision {
        let table = table
        let entry = table[request.name]
        if let objection { return .answer(.refusal(objection, entry)) }
        guard let entry else { return .answer(ownAnswer(to: request)) }
        guard case .program(let program) = entry.action else {
            return .answer(fixedAnswer(to: request, entry))
        }
        guard entry.permits(identity) else {
            return .answer(.refusal(.notAllowed(entry.name, for: identity), entry))
        }
        guard program.isAvailable else {
            return .answer(.refusal(.unavailable(entry.name), entry))
        }
        if let earlier, earlier.table === table { return .program(earlier) }
        // What is compared with patterns, and recorded, costs by its length and by its patterns.
        cost += request.arguments.reduce(0) { $0 + $1.utf8.count } / TurnShare.bytes
        var work = MatchingWork()
        let invocation = program.invocation(for: request.arguments, &work)
        cost += work.spent / TurnShare.work
        switch invocation {
        case .failure(let bad):
            return .answer(.refusal(Refusal(.badArgument, bad.description), entry))
        case .success(let invocation):
            return .program(
                Approved(
                    request: request, entry: entry, program: program, invocation: invocation,
                    table: table))
        }
    }

    private func fixedAnswer(to request: Request, _ entry: CommandEntry) -> Answer {
        let name = Array(entry.name.utf8)
        guard request.arguments.isEmpty, let reply = replies.find(name.span) else {
            return .refusal(.takesNoArguments(entry.name), entry)
        }
        return .reply(reply)
    }

    /// To a command that the table doesn't have.
    private func ownAnswer(to request: Request) -> Answer {
        switch request.name {
        case "help", "whoami":
            guard request.arguments.isEmpty else {
                return .refusal(.takesNoArguments(request.name), nil)
            }
            return .text(request.name == "help" ? help(for: identity, table) : whoami)
        default: return .refusal(.unknownCommand(request.name), nil)
        }
    }
}

/// What a session may take of one turn of its loop.
enum TurnShare {
    /// Answers that cost more than a look-up. Each of them may be an audit record: so many take a
    /// fraction of a millisecond.
    static var limit: Int { 64 }
    /// Bytes of arguments that cost as much as one of them.
    static var bytes: Int { 64 }
    /// Work of patterns that costs as much as one of them, so that many small requests together take no
    /// longer than one that may do the most.
    static var work: Int { MatchingWork.limit / limit }
}
