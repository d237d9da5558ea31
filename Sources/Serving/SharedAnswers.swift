// An answer that many sessions wait with, held only once.
// SPDX-License-Identifier: Apache-2.0

/// The `help` of a big table is a megabyte, and a client may ask for it in all of its sessions and read none of it. So
/// sessions of a loop with the same answer share one copy. Confined to its loop.
package final class SharedAnswers {
    /// Holds it until it is written.
    final class Answer {
        let frames: [UInt8]
        fileprivate init(_ frames: [UInt8]) { self.frames = frames }
    }

    /// The most recent one; not kept alive here.
    private(set) weak var last: Answer?

    package init() {}

    /// The answer with these frames, which another session may already hold.
    func keep(_ frames: [UInt8]) -> Answer {
        // Answers that any session can hold by itself don't displace anything.
        guard frames.count > Self.leastShared else { return Answer(frames) }
        if let last, last.frames == frames { return last }
        let answer = Answer(frames)
        last = answer
        return answer
    }

    /// In bytes.
    static let leastShared = 4_096
}
