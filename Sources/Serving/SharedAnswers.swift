// An answer that many sessions wait with, held once.
// SPDX-License-Identifier: Apache-2.0

/// What `help` says of a big table is a megabyte, and a client may have it in as many sessions as it has and read none of it.
/// So sessions of a loop that were answered the same hold the same. Confined to its loop.
package final class SharedAnswers {
    /// Holds it for as long as it is not written.
    final class Answer {
        let frames: [UInt8]
        fileprivate init(_ frames: [UInt8]) { self.frames = frames }
    }

    /// The one that was made last; nobody holds it here.
    private(set) weak var last: Answer?

    package init() {}

    /// The answer of these frames, which another session may have.
    func keep(_ frames: [UInt8]) -> Answer {
        // What any session may have by itself puts out nothing.
        guard frames.count > Self.leastShared else { return Answer(frames) }
        if let last, last.frames == frames { return last }
        let answer = Answer(frames)
        last = answer
        return answer
    }

    /// In bytes.
    static let leastShared = 4_096
}
