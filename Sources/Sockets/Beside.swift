// Work that would hold a loop up, done beside it.
// SPDX-License-Identifier: Apache-2.0
public import System

extension EventLoop {
    /// Does work on a thread of its own.
    ///
    /// - Parameters:
    ///   - work: may block for as long as it likes. Nothing breaks it off.
    ///   - done: called on the loop with what came of it, unless the loop has ended.
    /// - Throws: `system` where no thread can be had; `work` is not done then.
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
