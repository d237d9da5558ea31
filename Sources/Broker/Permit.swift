// The permission to run a command: the place that it takes, and the records that it owes.
// SPDX-License-Identifier: Apache-2.0
package import Remote

/// A host's part of a command that it has admitted. Confined to the session's loop; it may outlive
/// the session. Its permit makes the calls, each at most once.
package protocol AdmittedCommand: AnyObject {
    /// Calls when it is known whether its start is recorded, at once if that is known already: with nil if its program
    /// may start, otherwise with the reason why not. Not if it was given up before.
    func whenRecorded(_ call: @escaping (Refusal?) -> Void)

    /// Nothing of it is running any more: its place is free again. Called before the client can know of
    /// its end, unless something was left running or had to be ended later.
    func vacated()

    /// It has ended, and its client was told, as far as it listened, or its answer is on its way. What it left behind
    /// was ended too, or can't be (`usage`): then `vacated` comes after this.
    func ended(_ outcome: Outcome, _ usage: Usage)

    /// It was given up before its end was known, and everything it started is killed.
    func abandoned()
}

/// A command that may start once its start is recorded: its place is taken. Releasing this gives back
/// the place and records an end, whatever happens.
///
/// It consists of two values, because its two ends come at different moments: the place is free when
/// nothing runs any more, and the record is complete when the client was told.
package struct Permit: ~Copyable {
    /// By name: everything in its program's environment unless the table says otherwise.
    let environment: [String: String]
    let command: any AdmittedCommand
    let place: TakenPlace
    let record: OwedRecord

    /// - Parameters:
    ///   - command: its place is taken, and its start is recorded or about to be.
    ///   - environment: by name, everything that its program gets unless the table says otherwise.
    package init(_ command: any AdmittedCommand, environment: [String: String]) {
        self.environment = environment
        self.command = command
        place = TakenPlace(command)
        record = OwedRecord(command)
    }

    /// Ends it if nothing was run.
    consuming func end(_ outcome: Outcome, _ usage: Usage) { record.end(outcome, usage) }
}

/// A place that becomes free when this is released.
struct TakenPlace: ~Copyable {
    private let command: any AdmittedCommand

    fileprivate init(_ command: any AdmittedCommand) { self.command = command }

    deinit { command.vacated() }
}

/// The record of a command's end, which is written once: by `end`, or when this is released.
struct OwedRecord: ~Copyable {
    private var command: (any AdmittedCommand)?

    fileprivate init(_ command: any AdmittedCommand) { self.command = command }

    consuming func end(_ outcome: Outcome, _ usage: Usage) {
        command.take()?.ended(outcome, usage)
    }

    deinit { command?.abandoned() }
}
