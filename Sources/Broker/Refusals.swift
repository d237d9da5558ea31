// What clients are told whose commands are not started.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Remote
internal import System

extension Refusal {
    static func cancelled(_ name: String) -> Refusal {
        Refusal(.cancelled, "\(shown(name)) was cancelled before its turn came")
    }

    static func unknownCommand(_ name: String) -> Refusal {
        Refusal(
            .unknownCommand,
            "the server has no command \(shown(name)); the command help lists the ones you may use")
    }

    static func notAllowed(_ name: String, for identity: Identity) -> Refusal {
        Refusal(
            .notAllowed,
            "\(name) is not allowed for \(identity); the command help lists the ones that are")
    }

    static func takesNoArguments(_ name: String) -> Refusal {
        Refusal(.badArgument, "\(name) takes no arguments; omit them")
    }

    static var helpTakesOne: Refusal {
        Refusal(
            .badArgument,
            "help takes one argument at most, the name of a command; quote a name that has blanks")
    }

    /// A program did not start. The location of its files is none of the client's business.
    static func cannotStart(_ name: String) -> Refusal {
        Refusal(.unavailable, "\(name) cannot be started; tell the server's administrator")
    }

    static func noDescriptor(_ name: String) -> Refusal {
        Refusal(
            .unavailable,
            "\(name) cannot be started while the server has no free descriptor; try again later")
    }

    static func unavailable(_ name: String) -> Refusal {
        Refusal(
            .unavailable,
            "\(name) is unavailable: its program is not installed on the server's machine; ask its administrator"
        )
    }
}
