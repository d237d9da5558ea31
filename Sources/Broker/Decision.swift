// What happens to a request: the one place that decides what may start.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Remote

/// What happens to a request.
enum Decision {
    /// A program may start.
    case program(Approved)
    /// Nothing starts, and this is printed.
    case text(String, closes: Bool)
    /// Nothing starts; with the command's entry, if it has one.
    case refusal(Refusal, CommandEntry?)
}

/// A program that may start.
struct Approved {
    let entry: CommandEntry
    let program: ProgramEntry
    let invocation: ProgramEntry.Invocation
}

extension SessionDesk {
    /// Decides what happens to a request whose turn has come.
    ///
    /// - Parameters:
    ///   - wasCancelled: whether its client has already cancelled it.
    ///   - work: what it may cost; afterwards, what it has cost.
    func decide(
        _ request: Request, for identity: Identity, wasCancelled: Bool,
        _ work: inout MatchingWork
    ) -> Decision {
        let entry = table[request.name]
        if wasCancelled { return .refusal(.cancelled(request.name), entry) }
        if let objection { return .refusal(objection, entry) }
        guard let entry else { return own(request, for: identity) }
        guard case .program(let program) = entry.action else {
            guard case .reply(let text, let closes) = entry.action, request.arguments.isEmpty
            else { return .refusal(.takesNoArguments(entry.name), entry) }
            return .text("\(text)\n", closes: closes)
        }
        guard entry.permits(identity) else {
            return .refusal(.notAllowed(entry.name, for: identity), entry)
        }
        guard program.isAvailable else { return .refusal(.unavailable(entry.name), entry) }
        switch program.invocation(for: request.arguments, &work) {
        case .failure(let bad) where bad.code == .shareUsedUp:
            return .refusal(Refusal(.identityMatching, bad.description), entry)
        case .failure(let bad):
            return .refusal(Refusal(.badArgument, bad.description), entry)
        case .success(let invocation):
            return .program(Approved(entry: entry, program: program, invocation: invocation))
        }
    }

    /// Why a program may not start after all, although it was decided a while ago that it may.
    func objection(toStarting name: String) -> Refusal? {
        if let objection { return objection }
        guard let identity, table[name]?.permits(identity) != true else { return nil }
        return .notAllowed(name, for: identity)
    }

    /// A command that the table doesn't have.
    private func own(_ request: Request, for identity: Identity) -> Decision {
        switch (request.name, request.arguments.count) {
        case ("help", 0): .text(help(for: identity, table), closes: false)
        case ("help", 1): entryHelp(request.arguments[0], for: identity)
        case ("help", _): .refusal(.helpTakesOne, nil)
        case ("whoami", 0): .text(whoami, closes: false)
        case ("whoami", _): .refusal(.takesNoArguments(request.name), nil)
        default: .refusal(.unknownCommand(request.name), nil)
        }
    }

    private func entryHelp(_ name: String, for identity: Identity) -> Decision {
        guard let entry = table[name] else { return .refusal(.unknownCommand(name), nil) }
        guard entry.permits(identity) else {
            return .refusal(.notAllowed(name, for: identity), nil)
        }
        return .text(help(on: entry), closes: false)
    }
}
