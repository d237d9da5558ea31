// How long the broker waits for a network process, and for a trail that nobody waits for any more.
// SPDX-License-Identifier: Apache-2.0

/// What a network process may take to say what it has to say of a program. After that the broker goes on without it:
/// whoever owns it could otherwise keep a command's end out of the trail, and its place, for as long as it likes.
package struct NetworkPatience: Sendable {
    /// Until it has the ends of a program's pipes.
    package var ends = Duration.seconds(10)
    /// Until a program's client was told of its end. A client may read the rest of the output slowly, which delays the
    /// record no longer than this.
    package var told = Duration.seconds(60)

    /// What the record of a start may take once its client has cancelled it, or has left: where it comes within that, the
    /// program starts and is ended at once, as any that is cancelled.
    package var record = Duration.seconds(1)

    package init() {}
}
