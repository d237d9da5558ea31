// Holds something confined to a loop in code that may run on any thread.
// SPDX-License-Identifier: Apache-2.0

/// Something confined to a loop, held by code whose thread the compiler can't know: a task's closure,
/// a cancellation handler, another loop. Everything that is confined to a loop is a plain class, which
/// the compiler lets go nowhere else; this is the only way out, and it checks the way back.
///
/// Code that binds something must keep no other reference to it that leaves the loop: the compiler doesn't
/// see it. The last copy must be released on the loop, since what is bound may end with it.
///
/// Debug builds trap if it is opened off its loop while the loop runs. Release builds don't check.
@frozen
public struct LoopBound<Value>: @unchecked Sendable {
    public let loop: EventLoop
    @usableFromInline let confined: Value

    /// - Parameters:
    ///   - value: must be usable by the caller: on the loop's thread, or while no thread runs it.
    ///   - loop: what it is confined to.
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
