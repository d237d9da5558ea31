// What the sessions of one loop share.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Sockets

/// Where a session finds what isn't its own. Nothing in it leads to the loop's other sessions, or to
/// the server. Confined to its loop.
final class House {
    let conversation: Conversation
    let log: Log
    /// Where an operator is asked.
    let console: ConsoleTranscript
    /// Where console lines go; nil with `--quiet`.
    let lines: ConsoleTranscript?
    /// Chat has one operator.
    let operatorTurn: Turnstile
    let office: Office

    init(_ options: ServerOptions, console: ConsoleTranscript, office: Office) {
        conversation = options.conversation
        log = office.log
        self.console = console
        lines = options.isQuiet ? nil : console
        operatorTurn = Turnstile(loop: office.loop)
        self.office = office
    }
}
