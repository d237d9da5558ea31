// An executable whose execve(2) does not return, as on a file system that does not answer.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System

@testable import Sockets

/// A script of which this process can hold a lease (fcntl(2)), so that who opens it waits: until `letGo`, or
/// for the kernel's lease-break-time, 45 s.
final class HangingExec: Sendable {
    let path: String
    private let folder: TemporaryFolder
    private let lease: Descriptor

    /// - Parameter script: with its first line, which names the interpreter.
    init(_ script: String) throws(NoFile) {
        folder = try TemporaryFolder()
        path = folder["program"]
        try folder.file("program", 0o755, script)
        // For programs of other users.
        _ = unsafe chmod(folder.path, 0o711)
        lease = Descriptor(owning: unsafe open(path, O_RDONLY | O_CLOEXEC))
    }

    /// From here on an exec of it waits.
    ///
    /// - Throws: `system` where there can't be a lease.
    func hold() async throws(StreamError) {
        // Whoever opens it is told of by a signal, which would be SIGIO and end this process.
        guard fcntl(lease.number, Self.setSignal, SIGURG) == 0 else {
            throw StreamError("cannot name the lease's signal", errno: errno)
        }
        let end = ContinuousClock.now + .seconds(10)
        while fcntl(lease.number, Self.setLease, Int32(F_WRLCK)) != 0 {
            // Another test's program may still have a copy of the descriptor that wrote it.
            guard errno == EAGAIN, ContinuousClock.now < end else {
                throw StreamError("cannot take a lease of \(path)", errno: errno)
            }
            await Task.yield()
        }
    }

    /// Whoever waits goes on.
    func letGo() { _ = fcntl(lease.number, Self.setLease, Int32(F_UNLCK)) }

    // Glibc's module has neither.
    private static let setSignal: Int32 = 10
    private static let setLease: Int32 = 1_024
}
