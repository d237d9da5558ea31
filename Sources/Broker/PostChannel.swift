// Messages to and from another process that nobody waits for.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Sockets
package import System

/// One end of a channel on which both processes say what they have to say whenever they like.
/// Confined to its loop, which no call blocks.
///
/// What the socket doesn't accept waits here, up to a limit, in the order in which it was sent. A turn of the
/// loop takes at most 64 incoming packets, so that a flood keeps nobody waiting.
package final class PostChannel: EventSource, Resumable {
    private enum State {
        case open
        /// Sending has failed because the other end is gone: what it sent before that is read to the end.
        case receiving
        /// Nothing is sent or received any more, and that has not been reported yet.
        case ending(PostEnd)
        case ended
    }

    private var state = State.open
    private var descriptor: Descriptor?
    private var received: ((inout Post) throws(PacketError) -> Void)?
    private var ended: ((PostEnd) -> Void)?
    private let maxQueued: Int
    private let holdsAt: Int
    private let drained: () -> Void
    private let mayReceive: () -> Bool
    /// Nothing is received until what waits to be sent has been sent.
    private var isHolding = false

    private var assembly: MessageAssembly
    /// What has arrived and has yet to be delivered.
    private var opened: OpenedBundle?
    /// The descriptors of the incomplete message.
    private var carried = Descriptors()
    private var room = [UInt8](repeating: 0, count: Piece.maxBytes)
    /// What was received in the loop's turn with that number, in packets.
    private var budgetTurn: UInt64 = 0
    private var budgetUsed = 0
    /// Whether the loop calls this channel in its next turn.
    private var isDue = false

    private var queue = OutgoingQueue()
    /// Whether the loop reports room in the socket.
    private var awaitsRoom = false
    /// Until when the system may refuse the first message's descriptors.
    private var waitsUntil: Moment?
    private var again: Timer?
    /// What is sent before the loop waits, unless something sends it earlier.
    private var gathered = Bundle()

    /// Takes over one end of a `PacketPair`, on the loop's thread, or while no thread runs it.
    ///
    /// - Parameters:
    ///   - limit: the maximum length of an incoming message in bytes.
    ///   - maxQueued: how many bytes may wait to be sent; each message counts for some 256 more than it has.
    ///     Beyond it the channel is closed: a process that doesn't read must not fill this process's memory.
    ///   - holdsAt: nothing is received while more than this many bytes wait to be sent: whoever answers what it
    ///     receives must not pile up answers. Only one end may have it, or both could wait for each other.
    ///   - drained: called when nothing is waiting to be sent any more.
    ///   - mayReceive: asked before each packet; if it says no, what has arrived is read in the next turn.
    ///   - received: called with each message. If it throws, the channel is closed.
    ///   - ended: called once, in a separate turn of the loop, unless `close` was called before. Nothing is
    ///     received after the cause, and the descriptor is already closed.
    package init(
        owning descriptor: consuming Descriptor, loop: EventLoop, limit: Int,
        maxQueued: Int = 1 << 20, holdsAt: Int = .max, drained: @escaping () -> Void = {},
        mayReceive: @escaping () -> Bool = { true },
        received: @escaping (inout Post) throws(PacketError) -> Void,
        ended: @escaping (PostEnd) -> Void
    ) throws(StreamError) {
        let number = descriptor.number
        self.descriptor = consume descriptor
        self.received = received
        self.ended = ended
        self.maxQueued = maxQueued
        self.holdsAt = holdsAt
        self.drained = drained
        self.mayReceive = mayReceive
        assembly = MessageAssembly(limit: limit)
        super.init(loop: loop)
        try loop.add(self, descriptor: number, events: .receiving)
    }

    deinit { release() }

    /// Whether it can still be used for sending.
    package var isOpen: Bool { if case .open = state { true } else { false } }

    /// How much is waiting to be sent, as `maxQueued` counts it.
    package var queued: Int { queue.cost + gathered.size }

    /// Sends a message after those that were sent before. If the channel has ended it is lost, as it would be
    /// on its way.
    ///
    /// - Parameters:
    ///   - descriptors: closed here once they were sent, or when the channel ends.
    ///   - otherwise: sent instead if the system doesn't accept the descriptors for a while because too many are
    ///     already in flight (unix(7), ETOOMANYREFS), which any process of the same user can cause. Without it the
    ///     channel is then closed.
    package func send(
        _ packet: PacketWriter, descriptors: consuming Descriptors = Descriptors(),
        otherwise: PacketWriter? = nil
    ) {
        guard isOpen else { return }
        let isFirst = queue.first == nil
        queueGathered()
        queue.append(Outgoing(packet, descriptors, otherwise: otherwise))
        if isFirst { flush() }
        keepWithinBounds()
    }

    /// Sends what nobody waits for as one message: when the loop has nothing else to do, after some milliseconds if it
    /// always has, and before anything else that is sent.
    package func gather(_ packet: PacketWriter) {
        guard isOpen else { return }
        if queue.first == nil, !gathered.hasRoom(for: packet) { flush() }
        guard queue.first == nil, gathered.hasRoom(for: packet) else { return send(packet) }
        if gathered.isEmpty { loop.beforeWaiting { [weak self] in self?.flush() } }
        gathered.add(packet)
    }

    private func queueGathered() {
        if let bundle = gathered.take() { queue.append(Outgoing(bundle)) }
    }

    private func keepWithinBounds() {
        guard isOpen, queue.cost > maxQueued else { return }
        let why = "the other process has stopped reading: \(queue.cost) bytes are waiting for it"
        end(.failed(PacketError(.notTaken, why)))
    }

    /// Closes it from this end: what is waiting is lost, except for what was gathered. Calls nothing more.
    package func close() {
        if !gathered.isEmpty {
            queueGathered()
            send()
        }
        release()
        state = .ended
        received = nil
        ended = nil
    }

    override package func ready(_ events: Events) {
        flush()
        receive()
    }

    package func resume() {
        isDue = false
        guard case .ending(let end) = state else { return receive() }
        let ended = ended
        close()
        ended?(end)
    }

    // MARK: Sending

    private func flush() {
        queueGathered()
        let isWaiting = queue.first != nil
        send()
        guard isWaiting, isOpen, queue.first == nil else { return }
        hear(ofRoom: false)
        if isHolding { goOnNextTurn() }
        isHolding = false
        drained()
    }

    private func send() {
        while isOpen, let number = descriptor?.number, let message = queue.first {
            switch message.send(to: number, waits: false) {
            case 0:
                queue.removeFirst()
                waitsUntil = nil
            case EAGAIN: return hear(ofRoom: true)
            case ETOOMANYREFS where waits(with: message): return
            case ETOOMANYREFS where message.giveDescriptorsUp(): continue
            case EPIPE, ECONNRESET:
                queue = OutgoingQueue()
                state = .receiving
                goOnNextTurn()
            case let failure:
                end(.failed(PacketError("cannot send to the other process", errno: failure)))
            }
        }
    }

    /// Makes the loop report room, or stop doing so.
    private func hear(ofRoom room: Bool) {
        guard room != awaitsRoom, let number = descriptor?.number else { return }
        awaitsRoom = room
        loop.change(descriptor: number, events: room ? .stream : .receiving)
    }

    /// Nothing signals when the system accepts descriptors again. False if the message has waited long enough.
    private func waits(with message: Outgoing) -> Bool {
        let now = Moment.now
        let end = waitsUntil ?? now + Self.descriptorPatience
        waitsUntil = end
        guard now < end else { return false }
        again = Timer(after: Self.descriptorPause, on: loop) { [unowned self] in flush() }
        return true
    }

    // MARK: Receiving

    private func receive() {
        if budgetTurn != loop.turns {
            budgetTurn = loop.turns
            budgetUsed = 0
        }
        while let number = descriptor?.number {
            guard budgetUsed < Self.packetsATurn, mayReceive() else { return goOnNextTurn() }
            guard queue.cost <= holdsAt else {
                isHolding = true
                return
            }
            budgetUsed += 1
            do throws(PacketError) {
                guard try receiveOne(from: number) else { return }
            } catch {
                return end(.failed(error))
            }
        }
    }

    /// - Returns: whether there may be more.
    private func receiveOne(from number: Int32) throws(PacketError) -> Bool {
        if let message = try opened?.next() {
            try deliver(message)
            return true
        }
        opened = nil
        var came = Descriptors()
        guard let count = try receivePacket(from: number, into: &room, &came, waits: false) else {
            if case .receiving = state { try endOfPeer() }
            return false
        }
        guard count > 0 else {
            try endOfPeer()
            return false
        }
        let hasDescriptors = !came.isEmpty
        let room = room
        let message = try assembly.add(
            room.span.extracting(0..<count), hasDescriptors: hasDescriptors)
        if hasDescriptors { carried = came }
        guard let message else { return true }
        opened = try OpenedBundle(message, hasDescriptors: !carried.isEmpty)
        if opened == nil { try deliver(message) }
        return true
    }

    private func deliver(_ message: [UInt8]) throws(PacketError) {
        var post = try Post(message, carried.takeAll())
        try received?(&post)
    }

    private func endOfPeer() throws(PacketError) {
        guard !assembly.isPartial else { throw .endedEarly }
        end(.closed)
    }

    // MARK: Ends

    /// Ends it with what is to be reported, in another turn: `send` may have found it amid its caller's work.
    private func end(_ end: PostEnd) {
        switch state {
        case .ending, .ended: return
        case .open, .receiving: break
        }
        release()
        state = .ending(end)
        goOnNextTurn()
    }

    private func release() {
        queue = OutgoingQueue()
        (gathered, opened) = (Bundle(), nil)
        again = nil
        carried = Descriptors()
        guard let number = descriptor?.number else { return }
        loop.remove(descriptor: number)
        descriptor = nil
    }

    private func goOnNextTurn() {
        guard !isDue else { return }
        isDue = true
        loop.resumeNextTurn(self)
    }

    private static let packetsATurn = 64
    private static let descriptorPatience = Duration.milliseconds(100)
    private static let descriptorPause = Duration.milliseconds(5)
}
