// What the network process is started with.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Conversations
internal import Sockets
internal import System

/// The options of the server as far as its network process has a part in them, and what is in force at its start. The
/// first message that it gets.
struct NetworkSettings: Broker.Message, Sendable {
    static var kind: PostKind { .settings }

    let conversation: Conversation
    let loops: Int
    let isOnce: Bool
    let isQuiet: Bool
    /// Whether records are kept.
    let isRecorded: Bool
    let asksForClients: Bool
    let writesKeyLog: Bool
    let deadlines: Deadlines
    /// At most so many at once.
    let mostSessions: Int
    let strangers: StrangerLimits
    /// How long one of a client with a certificate may last.
    let mostSessionAge: Duration
    /// What of messages reaches the console.
    let form: ConsoleTranscript.Form
    /// Whether somebody at a terminal answers for a chat.
    let hasOperatorAtTerminal: Bool
    /// How many sockets listen.
    let listeners: Int
    /// Whom the process is to become; nil for the user that it has.
    let user: UserNumbers?
    /// The broker's.
    let parent: Int32
    let policy: NetworkPolicy

    init(
        _ options: ServerOptions, _ policy: Policy, isRecorded: Bool, loops: Int, listeners: Int,
        form: ConsoleTranscript.Form, hasOperatorAtTerminal: Bool, user: UserNumbers?, parent: Int32
    ) {
        conversation = options.conversation
        self.loops = loops
        isOnce = options.isOnce
        isQuiet = options.isQuiet
        self.isRecorded = isRecorded
        asksForClients = options.security?.asksForClients ?? false
        writesKeyLog = options.security?.writesKeyLog ?? false
        deadlines = options.deadlines
        mostSessions = options.mostSessions
        strangers = options.strangers
        mostSessionAge = options.mostSessionAge
        self.form = form
        self.hasOperatorAtTerminal = hasOperatorAtTerminal
        self.listeners = listeners
        self.user = user
        self.parent = parent
        self.policy = NetworkPolicy(policy)
    }

    /// How many connections there may be. Where clients have certificates, sessions have their places at the broker, which
    /// knows whose they are. Beside them there is room to shake hands, and to be told that there is no place: else those
    /// who have all places would shut out whom a place is kept for.
    var mostConnections: Int {
        guard asksForClients else { return mostSessions }
        return Self.mostConnections(mostSessions, strangers)
    }

    /// The same where clients have certificates.
    static func mostConnections(_ sessions: Int, _ strangers: StrangerLimits) -> Int {
        sessions + max(4, strangers.mostHandshakes) + mostTold(of: sessions)
    }

    /// What is told where there are as many.
    var full: String {
        "\(mostConnections) \(asksForClients ? "connections" : "sessions") are open, the most that --max-sessions allows"
    }

    /// How many may be told at once that there is no place.
    var mostTold: Int { Self.mostTold(of: mostSessions) }

    private static func mostTold(of sessions: Int) -> Int { max(4, sessions / 16) }

    /// Whether TLS is spoken.
    var isSecured: Bool { policy.face != nil }

    init(reading reader: inout PacketReader) throws(PacketError) {
        guard let conversation = Conversation(rawValue: try reader.text(atMost: 64)) else {
            throw reader.malformed("names an unknown conversation")
        }
        self.conversation = conversation
        loops = Int(try reader.readUInt32())
        isOnce = try reader.bool()
        isQuiet = try reader.bool()
        isRecorded = try reader.bool()
        asksForClients = try reader.bool()
        writesKeyLog = try reader.bool()
        var deadlines = Deadlines()
        deadlines.handshake = .nanoseconds(try reader.readInt64())
        deadlines.idle = .nanoseconds(try reader.readInt64())
        deadlines.close = .nanoseconds(try reader.readInt64())
        deadlines.keepalive = .nanoseconds(try reader.readInt64())
        self.deadlines = deadlines
        mostSessions = Int(try reader.readUInt32())
        strangers = try StrangerLimits(reading: &reader)
        mostSessionAge = .nanoseconds(try reader.readInt64())
        guard let form = ConsoleTranscript.Form(rawValue: try reader.readUInt8()) else {
            throw reader.malformed("names an unknown form of the console")
        }
        self.form = form
        hasOperatorAtTerminal = try reader.bool()
        listeners = Int(try reader.readUInt32())
        user = try reader.optional { (reader) throws(PacketError) in
            UserNumbers(
                user: try reader.readUInt32(), group: try reader.readUInt32(),
                groups: try reader.list(atMost: 65_536) { (reader) throws(PacketError) in
                    try reader.readUInt32()
                })
        }
        parent = Int32(truncatingIfNeeded: try reader.readUInt32())
        policy = try NetworkPolicy(reading: &reader)
    }

    func write(to writer: inout PacketWriter) {
        writer.add(text: conversation.rawValue)
        writer.add(UInt32(loops))
        for flag in [isOnce, isQuiet, isRecorded, asksForClients, writesKeyLog] { writer.add(flag) }
        for time in [
            deadlines.handshake, deadlines.idle, deadlines.close, deadlines.keepalive,
        ] { writer.add(Int64(clamping: time.inNanoseconds)) }
        writer.add(UInt32(mostSessions))
        strangers.write(to: &writer)
        writer.add(Int64(clamping: mostSessionAge.inNanoseconds))
        writer.add(form.rawValue)
        writer.add(hasOperatorAtTerminal)
        writer.add(UInt32(listeners))
        writer.add(optional: user) { writer, user in
            writer.add(user.user)
            writer.add(user.group)
            writer.add(list: user.groups) { $0.add($1) }
        }
        writer.add(UInt32(bitPattern: parent))
        policy.write(to: &writer)
    }
}
