// Work that would hold up a loop, done on another thread.
// SPDX-License-Identifier: Apache-2.0
public import System

extension EventLoop {
    /// Does work on its own thread.
    ///
    /// - Parameters:
    ///   - work: may block for as long as it likes. Nothing interrupts it.
    ///   - done: called on the loop with the result, unless the loop has ended.
    /// - Throws: `system` if no thread can be started; `work` is not done then.
    public func beside<Result: Sendable>(
        _ work: @escaping @Sendable () -> Result, done: @escaping (Result) -> Void
    ) throws(StreamError) {
        let done = LoopBound(done, to: self)
        do throws(Errno) {
            try startDetachedThread {
                let result = work()
                done.execute { $0(result) }
            }
        } catch {
            throw StreamError(noThread: error)
        }
    }
}
