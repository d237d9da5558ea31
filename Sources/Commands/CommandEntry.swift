// One command of the table.
// SPDX-License-Identifier: Apache-2.0

/// What a command does, and who may use it.
public struct CommandEntry: Sendable {
    public enum Action: Sendable {
        /// A fixed reply; `closes` ends the session after it.
        case reply(text: String, closes: Bool)
        case program(ProgramEntry)
    }

    public let name: String
    /// One line for people; empty if the table has none.
    public let summary: String
    public let action: Action
    /// The name and the arguments in their order, such as `unlock {user} {pin: secret}`. Stored, since `help` prints those of all
    /// commands.
    public let usage: String
    /// In characters.
    public let usageWidth: Int
    let allow: IdentitySet
    let deny: IdentitySet

    init(
        name: String, summary: String = "", action: Action,
        allow: IdentitySet = IdentitySet(), deny: IdentitySet = IdentitySet()
    ) {
        self.name = name
        self.summary = summary
        self.action = action
        usage =
            if case .program(let program) = action {
                ([name] + program.arguments.map { "{\($0.name)\($0.isSecret ? ": secret" : "")}" })
                    .joined(separator: " ")
            } else {
                name
            }
        usageWidth = usage.count
        self.allow = allow
        self.deny = deny
    }

    /// Whether an identity may use it. Anyone gets a fixed reply; a program runs for those whom
    /// `allow` names and `deny` does not. Names are compared in canonical spelling. An identity
    /// without names and key does not come from a certificate, and may run nothing.
    public func permits(_ identity: Identity) -> Bool {
        switch action {
        case .reply: true
        case .program: allow.contains(identity) && !deny.contains(identity)
        }
    }
}
