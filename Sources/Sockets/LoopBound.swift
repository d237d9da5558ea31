// What is confined to a loop, in code that may run on any thread.
// SPDX-License-Identifier: Apache-2.0

/// Something confined to a loop, held by code that the compiler can't place: a task's closure, what a
/// cancellation calls, another loop. Everything that is confined to a loop is a plain class, which the
/// compiler lets go nowhere else; this is the one way out, and it checks the way back.
///
/// Whoever binds something keeps no other reference to it that leaves the loop: the compiler doesn't see that
/// one. The last copy must go on the loop, since what is bound may end with it.
///
/// Debug builds trap where it is opened off its loop while the loop runs. A release doesn't check.
@frozen
public struct LoopBound<Value>: @unchecked Sendable {
    public let loop: EventLoop
    @usableFromInline let confined: Value

    /// - Parameter value: the caller's to touch: on the loop's thread, or while no thread runs it.
    @inlinable
    public init(_ value: Value, to loop: EventLoop) {
        assert(loop.isMine, "bound to a loop by another thread")
        self.loop = loop
        confined = value
    }

    /// On the loop's thread only, or while no thread runs it.
    @inlinable
    public var value: Value {
        assert(loop.isMine, "touched off its loop")
        return confined
    }

    /// From any thread: calls on the loop, at once where the caller is on it.
    public func execute(_ call: @escaping @Sendable (Value) -> Void) {
        loop.execute { call(value) }
    }
}

extension EventLoop {
    /// On the loop's thread, or while no thread runs it: starts a task whose code runs on this loop.
    @discardableResult
    public func spawn<Success: Sendable>(
        _ body: @escaping () async -> Success
    ) -> Task<Success, Never> {
        let bound = LoopBound(body, to: self)
        return Task(executorPreference: self) { await bound.value() }
    }
}
