// That a command may run: the place that it takes, and the records that it owes.
// SPDX-License-Identifier: Apache-2.0
package import Remote

/// A host's part of a command that it has admitted. Confined to the session's loop, and may outlive
/// the session. Its permit makes the calls, each of them once at most.
package protocol AdmittedCommand: AnyObject {
    /// Calls when it is known whether its start is recorded, at once where it is known already: with nil where its program may
    /// start, which it may keep until it is asked for, else with why not. Not where it was given up before.
    func whenRecorded(_ call: @escaping (Refusal?) -> Void)

    /// Its program waits for nothing else any more. May call within this call.
    func awaitRecord()

    /// Nothing of it runs any more: its place is free again. Before the client can know of its end, unless
    /// something was left running or had to be ended after that.
    func vacated()

    /// It has ended, and its client was told as far as it listened. What it left behind was ended too,
    /// or can't be (`usage`): then `vacated` comes after this.
    func ended(_ outcome: Outcome, _ usage: Usage)

    /// It was given up before its end was known, and all of it is killed.
    func abandoned()
}

/// A command that may start when its start is recorded: its place is taken. Whoever lets it go gives the
/// place back and has an end recorded, whatever happens.
///
/// It is made of two values, since its two ends come at moments of their own: the place is free when
/// nothing runs any more, and the record is complete when the client was told.
package struct Permit: ~Copyable {
    /// By their names: all that its program's environment has, where the table says nothing else.
    let environment: [String: String]
    let command: any AdmittedCommand
    let place: TakenPlace
    let record: OwedRecord

    /// - Parameters:
    ///   - command: its place is taken, and its start is recorded or about to be.
    ///   - environment: by their names, all that its program gets where the table says nothing else.
    package init(_ command: any AdmittedCommand, environment: [String: String]) {
        self.environment = environment
        self.command = command
        place = TakenPlace(command)
        record = OwedRecord(command)
    }

    /// Ends it where nothing has run.
    consuming func end(_ outcome: Outcome, _ usage: Usage) { record.end(outcome, usage) }
}

/// A place that is free again when this is gone.
struct TakenPlace: ~Copyable {
    private let command: any AdmittedCommand

    fileprivate init(_ command: any AdmittedCommand) { self.command = command }

    deinit { command.vacated() }
}

/// The record of a command's end, which is written once: by `end`, or when this is gone.
struct OwedRecord: ~Copyable {
    private var command: (any AdmittedCommand)?

    fileprivate init(_ command: any AdmittedCommand) { self.command = command }

    consuming func end(_ outcome: Outcome, _ usage: Usage) {
        command.take()?.ended(outcome, usage)
    }

    deinit { command?.abandoned() }
}
