// What the network process is started with.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Conversations
internal import Sockets
internal import System

/// The server options that concern its network process, and what is in force when it starts. This is the first
/// message that it receives.
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
    /// The limit of sessions at once.
    let maxSessions: Int
    let strangers: StrangerLimits
    /// How long a session of a client with a certificate may last.
    let maxSessionAge: Duration
    /// How messages are shown on the console.
    let form: ConsoleTranscript.Form
    /// Whether somebody at a terminal answers a chat.
    let hasOperatorAtTerminal: Bool
    /// How many listening sockets there are.
    let listeners: Int
    /// The user to become; nil to keep the current one.
    let user: UserNumbers?
    /// The broker's process ID.
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
        maxSessions = options.maxSessions
        strangers = options.strangers
        maxSessionAge = options.maxSessionAge
        self.form = form
        self.hasOperatorAtTerminal = hasOperatorAtTerminal
        self.listeners = listeners
        self.user = user
        self.parent = parent
        self.policy = NetworkPolicy(policy)
    }

    /// How many connections there may be. If clients have certificates, sessions take their places at the broker, which
    /// knows whose they are. Beyond these there is room to shake hands, and to be told that there is no place: otherwise
    /// those who have all the places would shut out those for whom a place is reserved.
    var maxConnections: Int {
        guard asksForClients else { return maxSessions }
        return Self.maxConnections(maxSessions, strangers)
    }

    /// The same if clients have certificates.
    static func maxConnections(_ sessions: Int, _ strangers: StrangerLimits) -> Int {
        sessions + max(4, strangers.maxHandshakes) + maxTurnedAway(of: sessions)
    }

    /// What to say when that limit is reached.
    var full: String {
        "\(maxConnections) \(asksForClients ? "connections" : "sessions") are open, the most that --max-sessions allows"
    }

    /// How many clients may be told at once that there is no place.
    var maxTurnedAway: Int { Self.maxTurnedAway(of: maxSessions) }

    private static func maxTurnedAway(of sessions: Int) -> Int { max(4, sessions / 16) }

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
        maxSessions = Int(try reader.readUInt32())
        strangers = try StrangerLimits(reading: &reader)
        maxSessionAge = .nanoseconds(try reader.readInt64())
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
        writer.add(UInt32(maxSessions))
        strangers.write(to: &writer)
        writer.add(Int64(clamping: maxSessionAge.inNanoseconds))
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
