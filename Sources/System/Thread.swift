// Threads, for loops and for blocking work.
// SPDX-License-Identifier: Apache-2.0
package import Glibc

/// Starts a thread that makes one call; it must be joined or detached.
///
/// - Throws: if no thread can be started.
package func startThread(_ body: @escaping @Sendable () -> Void) throws(Errno) -> pthread_t {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
    let failure = unsafe pthread_create(
        &thread, nil,
        { argument in
            unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, box)
    guard failure == 0 else {
        unsafe Unmanaged<Box>.fromOpaque(box).release()
        throw Errno(failure)
    }
    return thread
}

/// Starts a thread that nobody waits for.
///
/// - Throws: if no thread can be started.
package func startDetachedThread(_ body: @escaping @Sendable () -> Void) throws(Errno) {
    pthread_detach(try startThread(body))
}
