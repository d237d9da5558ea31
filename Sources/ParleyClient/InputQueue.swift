// One command's input, on the loop.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// Takes a command's input piece by piece. Confined to its loop.
final class InputQueue {
    /// What the sequence threw.
    private(set) var failure: (any Error)?
    private let loop: EventLoop
    private var held: ArraySlice<UInt8> = []
    private var isOver = false
    /// Not started before the program wants input.
    private var pump: (@Sendable (InputSink) async -> Void)?
    private var pumping: Task<Void, Never>?
    /// The sequence's task, which waits until `held` is used up.
    private var offer: CheckedContinuation<Bool, Never>?
    private let news = Bell()

    init(_ input: Input, loop: EventLoop) {
        self.loop = loop
        switch input.kind {
        case .bytes(let bytes):
            held = bytes[...]
            isOver = true
        case .pump(let pump): self.pump = pump
        }
    }

    /// At most `count` bytes; nil at the end.
    ///
    /// - Throws: `cancelled`; `inputFailed` if the sequence threw something.
    func next(upTo count: Int) async throws(StreamError) -> [UInt8]? {
        while held.isEmpty {
            if failure != nil { throw StreamError(.inputFailed, "the input failed") }
            guard !isOver else { return nil }
            startPump()
            let bell = LoopBound(news, to: loop)
            await withTaskCancellationHandler {
                await news.wait()
            } onCancel: {
                bell.execute { $0.ring() }
            }
            if Task.isCancelled { throw StreamError(.cancelled, "the wait was cancelled") }
        }
        let piece = Array(held.prefix(count))
        held = held.dropFirst(count)
        if held.isEmpty { answerOffer(true) }
        return piece
    }

    /// The command has ended: no more is wanted.
    func stop() {
        isOver = true
        held = []
        pump = nil
        pumping?.cancel()
        pumping = nil
        answerOffer(false)
    }

    private func startPump() {
        guard let pump else { return }
        self.pump = nil
        let queue = LoopBound(self, to: loop)
        let sink = InputSink { piece in
            await withCheckedContinuation { offer in
                queue.execute { $0.take(piece, offer) }
            }
        } end: { error in
            queue.execute { $0.end(error) }
        }
        // Not on the loop, which whatever the sequence does must not hold up.
        pumping = Task.detached { await pump(sink) }
    }

    private func take(_ piece: [UInt8], _ offer: CheckedContinuation<Bool, Never>) {
        guard !isOver, !piece.isEmpty else { return offer.resume(returning: !isOver) }
        held = piece[...]
        self.offer = offer
        news.ring()
    }

    private func end(_ error: (any Error)?) {
        guard !isOver else { return }
        isOver = true
        failure = error
        news.ring()
    }

    private func answerOffer(_ isWanted: Bool) {
        offer?.resume(returning: isWanted)
        offer = nil
    }
}

extension StreamError.Code {
    /// The caller's own input sequence threw an error.
    fileprivate static var inputFailed: Self { Self(rawValue: "inputFailed") }
}
