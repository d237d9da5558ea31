// Both halves of the way to the broker on one loop, for sessions of tests.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Sockets

@testable import Broker
@testable import Remote
@testable import Serving

/// A broker that has one kind of desk, and a session that is served already. Confined to its loop.
final class BrokerHalves {
    let session: SessionLink
    private let network: NetworkLink
    private let broker: BrokerLink

    init(_ desk: any SessionDesk, loop: EventLoop) throws {
        var pair = try PacketPair()
        network = try NetworkLink(
            pair.takeOne(), loop: loop, maxSessions: 1, office: OneDesk(desk)
        ) { _ in }
        broker = try BrokerLink(pair.takeOther(), loop: loop) { _ in }
        session = broker.open(broker.makeHandle())!
        session.begin(number: 1, address: "192.0.2.1:4711", conversation: "parley/1")
    }

    private final class OneDesk: BrokerOffice {
        private let desk: any SessionDesk
        init(_ desk: any SessionDesk) { self.desk = desk }
        func desk(_ handle: Handle) -> any SessionDesk { desk }
        func sessionEnded(_ handle: Handle) {}
        func say(connections: Int) {}
        func note(_ strangers: StrangersPost) {}
    }
}

/// What the desks of tests have in common. Confined to its loop.
class TestDesk: SessionDesk {
    final var table: CommandTable
    final let identity: Identity? = Identity(names: ["dns:client"], key: "key:sha256:none")
    final let grace = Duration.seconds(5)
    final let whoami = "dns:client\n"
    /// What it says against the client.
    final var objection: Refusal?

    /// - Parameter commands: the table's, as JSON5 within its braces.
    init(_ commands: String) throws { table = try Self.table(commands) }

    static func table(_ commands: String) throws -> CommandTable {
        try CommandTable(text: "{commands: {\(commands)}}", name: "t")
    }

    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Permit, Refusal> {
        .failure(Refusal(.busy, "it is"))
    }

    func began(_ post: BeganPost) {}
    func refused(
        _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal
    ) {}
    func refused(_ refusal: Refusal) {}
    func replied(_ name: [UInt8], times: Int) {}
    func omitted(_ records: Int, commands: Int) {}
    func answered(_ message: [UInt8], isKnown: Bool) {}
    func ended(_ post: EndedPost) {}
    func failed(_ post: HandshakeFailedPost) {}
}
