// Who may take the descriptors that are free, and who waits for one.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Descriptors run out for all loops at once, and whoever closes some tells those that wait. From any
/// thread.
final class FreeDescriptors: Sendable {
    private let forFiles = Atomic<Bool>(false)
    /// Listening sockets at which accepting waits.
    private let paused = Atomic<Int>(0)
    private let isReserveShort = Atomic<Bool>(false)
    private let waiting = Mutex<[@Sendable () -> Void]>([])

    /// Has `call` made when somebody may go on: a descriptor is free again, files were read, or all is
    /// there again that is to be held back for them.
    func whenFree(_ call: @escaping @Sendable () -> Void) { waiting.withLock { $0.append(call) } }

    /// Whether a connection may be accepted: not while files are being read, for which the descriptors
    /// are that are free then, nor before what is held back for the next time is whole again. Whoever was
    /// about to accept when files began to be read has taken some of it, and strangers give none back.
    var mayBeAccepted: Bool { !areForFiles && !isReserveShort.load(ordering: .relaxed) }

    // MARK: Files

    /// Files are being read.
    var areForFiles: Bool { forFiles.load(ordering: .relaxed) }

    func keepForFiles() { forFiles.store(true, ordering: .sequentiallyConsistent) }

    func filesAreRead() {
        forFiles.store(false, ordering: .sequentiallyConsistent)
        wake()
    }

    // MARK: Who waits

    /// Whether all is there that is to be held back for files.
    func noteReserve(isWhole: Bool) {
        let wasShort = isReserveShort.exchange(!isWhole, ordering: .sequentiallyConsistent)
        if wasShort, isWhole { wake() }
    }

    /// Accepting waits for a descriptor at one more listening socket, or at one less.
    func notePause(_ isPaused: Bool) { paused.add(isPaused ? 1 : -1, ordering: .relaxed) }

    /// Somebody has closed some, or is about to.
    func freed() {
        if isReserveShort.load(ordering: .relaxed) || paused.load(ordering: .relaxed) > 0 { wake() }
    }

    private func wake() {
        for call in waiting.withLock({ $0 }) { call() }
    }
}
