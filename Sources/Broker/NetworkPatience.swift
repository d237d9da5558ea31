// How long the broker waits: for a network process, a trail, and a program that may soon be over.
// SPDX-License-Identifier: Apache-2.0

/// How long the broker waits for what concerns a program. A network process that takes longer to report about one is
/// not waited for: otherwise whoever controls it could keep a command's end out of the trail, and hold its place, for
/// as long as it likes.
package struct NetworkPatience: Sendable {
    /// From a program's end until its client was told of it, which `ToldPost` says. A client that reads the rest of the
    /// output slowly delays the record no longer than this.
    package var told = Duration.seconds(60)

    /// How long the record of a start may take once its client has cancelled it or left: if it is written within that
    /// time, the program starts and is ended at once, like any that is cancelled.
    package var record = Duration.seconds(1)

    /// How long the first output of a program may wait for the rest and the end, so that all of it is one message.
    package var output = Duration.milliseconds(5)
    /// The same where there is no output: until its pipes are handed over, its client can't end it.
    package var silence = Duration.milliseconds(50)

    /// How long no program is started after the network process had no room for the pipes of one.
    package var shortage = Duration.milliseconds(200)

    package init() {}
}
