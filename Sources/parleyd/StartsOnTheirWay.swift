// Starts whose records are on their way into the trail.
// SPDX-License-Identifier: Apache-2.0
internal import Records
internal import Sockets

/// Brings what the trail's thread says about starts to the main loop. Nothing that is confined to the loop goes to that thread, where
/// the last reference to it could be released. Confined to the main loop.
final class StartsOnTheirWay {
    private var calls: [UInt64: (StartFate) -> Void] = [:]
    private var last: UInt64 = 0
    private let loop: EventLoop

    /// What the thread calls.
    struct Ticket {
        fileprivate let number: UInt64
        let call: @Sendable (StartFate) -> Void
    }

    init(_ loop: EventLoop) { self.loop = loop }

    /// - Parameter settled: called once, on the main loop, unless it is forgotten or the loop has ended.
    func add(_ settled: @escaping (StartFate) -> Void) -> Ticket {
        last += 1
        let number = last
        calls[number] = settled
        let bound = LoopBound(self, to: loop)
        return Ticket(number: number) { fate in bound.execute { $0.settle(number, fate) } }
    }

    func forget(_ ticket: Ticket) { calls[ticket.number] = nil }

    private func settle(_ number: UInt64, _ fate: StartFate) {
        calls.removeValue(forKey: number)?(fate)
    }
}
