// Messages to and from another process that nobody waits for.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Sockets
package import System

/// One end of a channel on which both processes say what they have to say when they like. Confined to
/// its loop, which no call holds up.
///
/// What the socket doesn't take waits here, up to a limit, in the order in which it was sent. Of what comes, a
/// turn of the loop takes 64 packets, so that a flood keeps nobody waiting.
package final class PostChannel: EventSource, Resumable {
    private enum State {
        case open
        /// Sending has failed, since the other end is gone: what it has sent before that is read on to its end.
        case receiving
        /// Nothing goes or comes any more, which was not told yet.
        case ending(PostEnd)
        case ended
    }

    private var state = State.open
    private var descriptor: Descriptor?
    private var received: ((inout Post) throws(PacketError) -> Void)?
    private var ended: ((PostEnd) -> Void)?
    private let mostQueued: Int
    private let holdsAt: Int
    private let drained: () -> Void
    private let mayReceive: () -> Bool
    /// What has come is not read before what waits to be sent is gone.
    private var isHolding = false

    private var assembly: MessageAssembly
    /// Those of the message that has not come whole yet.
    private var carried = Descriptors()
    private var room = [UInt8](repeating: 0, count: Piece.mostBytes)
    /// What was received in the loop's turn of that number, in packets.
    private var budgetTurn: UInt64 = 0
    private var budgetUsed = 0
    /// Whether the loop calls this one in its next turn.
    private var isDue = false

    private var queue = OutgoingQueue()
    /// Whether the loop tells of room in the socket.
    private var awaitsRoom = false
    /// Until when the system may refuse the first message's descriptors.
    private var waitsUntil: Moment?
    private var again: Timer?
    /// What waits is sent at the end of this turn, if nothing sends it before.
    private var isGathering = false
    private lazy var endOfTurn = EndOfTurn(self)

    /// Takes over an end of a `PacketPair`, on the loop's thread, or while no thread runs it.
    ///
    /// - Parameters:
    ///   - limit: the bytes of a message that may come.
    ///   - mostQueued: what may wait to be sent, in bytes, of which each message takes some 256 more than it has.
    ///     Beyond it the channel ends: whoever doesn't read must not fill this process's memory.
    ///   - holdsAt: nothing is received while more than so many bytes wait to be sent: whoever answers what it
    ///     receives must not collect answers. One end only may have it, or both could wait for each other.
    ///   - drained: called when nothing waits to be sent any more.
    ///   - mayReceive: asked before each packet; where it says no, what has come is read in the next turn.
    ///   - received: called with each message. What it throws ends the channel.
    ///   - ended: called once, in a turn of the loop of its own, unless `close` was called before. Nothing is
    ///     received after the cause, and the descriptor is closed already.
    package init(
        owning descriptor: consuming Descriptor, loop: EventLoop, limit: Int,
        mostQueued: Int = 1 << 20, holdsAt: Int = .max, drained: @escaping () -> Void = {},
        mayReceive: @escaping () -> Bool = { true },
        received: @escaping (inout Post) throws(PacketError) -> Void,
        ended: @escaping (PostEnd) -> Void
    ) throws(StreamError) {
        let number = descriptor.number
        self.descriptor = consume descriptor
        self.received = received
        self.ended = ended
        self.mostQueued = mostQueued
        self.holdsAt = holdsAt
        self.drained = drained
        self.mayReceive = mayReceive
        assembly = MessageAssembly(limit: limit)
        super.init(loop: loop)
        try loop.add(self, descriptor: number, events: .receiving)
    }

    deinit { letGo() }

    /// Whether it can still be sent on.
    package var isOpen: Bool { if case .open = state { true } else { false } }

    /// What waits to be sent, as `mostQueued` counts it.
    package var queued: Int { queue.cost }

    /// Sends a message after those that were sent before. Where the channel has ended it is lost, as it would
    /// be on its way.
    ///
    /// - Parameters:
    ///   - descriptors: are closed here when they were sent, or when the channel ends.
    ///   - otherwise: is sent in its place where the system doesn't take the descriptors for a while, since too many
    ///     are on their way already (unix(7), ETOOMANYREFS), which any process of the same user can cause. Without
    ///     it the channel ends then.
    package func send(
        _ packet: PacketWriter, descriptors: consuming Descriptors = Descriptors(),
        otherwise: PacketWriter? = nil
    ) {
        guard isOpen else { return }
        let isFirst = queue.first == nil || isGathering
        queue.append(Outgoing(packet, descriptors, otherwise: otherwise))
        if isFirst { flush() }
        keepWithinBounds()
    }

    /// Sends what nobody waits for: at the end of the loop's turn, and before what is sent in between. The other process
    /// is woken once for all of it; where both share a core, each time costs more than the message.
    package func gather(_ packet: PacketWriter) {
        guard isOpen else { return }
        if queue.first == nil {
            isGathering = true
            loop.resumeAtEndOfTurn(endOfTurn)
        }
        queue.append(Outgoing(packet))
        // However much is said in a turn, it waits for nothing but the other process.
        if isGathering, queue.cost > Self.mostGathered { flush() }
        keepWithinBounds()
    }

    private func keepWithinBounds() {
        guard isOpen, queue.cost > mostQueued else { return }
        end(
            .failed(
                PacketError(
                    .notTaken,
                    "the other process has stopped reading: \(queue.cost) bytes are waiting for it")
            ))
    }

    /// Ends it from this end: what waits is lost, but for what the turn has gathered. Nothing is called any more.
    package func close() {
        if isGathering { send() }
        letGo()
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

    /// Whose turn is over may be gone.
    private final class EndOfTurn: Resumable {
        private weak var channel: PostChannel?
        init(_ channel: PostChannel) { self.channel = channel }
        func resume() {
            if let channel, channel.isGathering { channel.flush() }
        }
    }

    private func flush() {
        isGathering = false
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

    /// Has the loop tell of room, or not any more.
    private func hear(ofRoom room: Bool) {
        guard room != awaitsRoom, let number = descriptor?.number else { return }
        awaitsRoom = room
        loop.change(descriptor: number, events: room ? .stream : .receiving)
    }

    /// Nothing tells when the system would take descriptors again. False where the message has waited long enough.
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
        var post = try Post(message, carried.takeAll())
        try received?(&post)
        return true
    }

    private func endOfPeer() throws(PacketError) {
        guard !assembly.isPartial else { throw .endedEarly }
        end(.closed)
    }

    // MARK: Ends

    /// Ends it with what is to be told, in another turn: what has found it may be `send`, amid its caller's work.
    private func end(_ end: PostEnd) {
        switch state {
        case .ending, .ended: return
        case .open, .receiving: break
        }
        letGo()
        state = .ending(end)
        goOnNextTurn()
    }

    private func letGo() {
        queue = OutgoingQueue()
        isGathering = false
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
    /// As `mostQueued` counts it: some hundred messages, so that waking the other process once more is no cost.
    static let mostGathered = 1 << 16
    private static let descriptorPatience = Duration.milliseconds(100)
    private static let descriptorPause = Duration.milliseconds(5)
}
