// What clients are told whose requests can't be read.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import System

extension Refusal {
    /// - Parameter word: which argument, counted from 1; 0 for the name itself.
    static func notText(_ word: Int, of name: String) -> Refusal {
        word == 0
            ? Refusal(.unknownCommand, "the command's name is not valid UTF-8")
            : Refusal(
                .badArgument,
                "argument \(word) of \(shown(name)) is not valid UTF-8; every argument must be")
    }
}
