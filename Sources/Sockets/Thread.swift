// Threads, for loops and for what blocks.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Starts a thread for one call; it must be joined or detached.
///
/// - Throws: `system` where no thread can be had.
func startThread(_ body: @escaping @Sendable () -> Void) throws(StreamError) -> pthread_t {
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
        throw StreamError("cannot start a thread", errno: failure)
    }
    return thread
}

/// Starts a thread that nobody waits for.
///
/// - Throws: `system`.
package func startDetachedThread(_ body: @escaping @Sendable () -> Void) throws(StreamError) {
    pthread_detach(try startThread(body))
}
