// One record of each event, with every field that it can have and with as few as it can have.
// SPDX-License-Identifier: Apache-2.0
import Records
import System

/// The records that the tests compare with what is written and with what is documented.
enum Samples {
    static let peer = RecordedSession.Peer(
        identity: "email:ann@example.org", names: ["email:ann@example.org", "dns:ann"],
        key: "key:sha256:abc=", serial: "0A")
    static let session = RecordedSession(
        number: 7, address: "192.0.2.7:4711", balancer: "192.0.2.1:80", peer: peer)
    static let stranger = RecordedSession(number: 8, address: "192.0.2.8:4711", peer: nil)

    static let command = RecordedCommand(
        number: 3, name: "login", arguments: [.open("ann"), .secret(length: 12)],
        program: "/bin/login")
    /// With more arguments than its end repeats.
    static let longCommand = RecordedCommand(
        number: 4, name: "ls",
        arguments: Array(repeating: .open(String(repeating: "y", count: 300)), count: 4),
        program: "/bin/ls")
    static let usage = CommandEnd.Usage(
        bytesIn: 1, bytesOut: 2, bytesError: 3, duration: .milliseconds(1_500))

    /// Each outcome that a program's end can have, and what the record says of it.
    static let outcomes: [(CommandOutcome, String)] = [
        (.ended(.status(4)), #""outcome":"exit","status":4"#),
        (.ended(.signal(15)), #""outcome":"signal","signal":15"#),
        (.timedOut, #""outcome":"time-out""#),
        (.overOutput, #""outcome":"output-limit""#),
        (.leftRunning(nil), #""outcome":"left-running""#),
        (.leftRunning(.status(5)), #""outcome":"left-running","status":5"#),
        (.leftRunning(.signal(9)), #""outcome":"left-running","signal":9"#),
        (
            .refused(CommandOutcome.Cause("unavailable", "/x is gone")),
            #""outcome":"refused","code":"unavailable","reason":"/x is gone""#
        ),
        (.serverEnded, #""outcome":"server-ended""#),
    ]

    /// Together they have a value for every field that there can be.
    static let fullest: [Record] = [
        .sessionStart(conversation: "parley/1"), .commandStart(command),
        .commandEnd(
            command,
            CommandEnd(
                .ended(.status(4)), pid: 99, leftEnded: 2, limits: ["memory", "processes"],
                usage: usage)),
        .commandEnd(command, CommandEnd(.ended(.signal(15)), pid: 99, usage: usage)),
        .commandEnd(
            command,
            CommandEnd(.refused(CommandOutcome.Cause("unavailable", "gone")), usage: usage)),
        .commandEnd(longCommand, CommandEnd(.timedOut)),
        .commandGone(command, pid: 99, duration: .microseconds(2_000_001)),
        .commandGone(longCommand, pid: 99, duration: .microseconds(1)),
        .reply(RecordedReply(command: 4, name: "Hello", times: 9)),
        .refusal(
            RecordedRefusal(
                command: 5, name: "nope", arguments: [.secret(length: 1)], code: "busy",
                limit: "perIdentity", reason: "they run")),
        .refusal(
            RecordedRefusal(
                arguments: [.open(String(repeating: "x", count: 257))]
                    + Array(repeating: .open(String(repeating: "y", count: 8)), count: 63),
                code: "busy")),
        .handshakeFailure(
            code: "unknownCA", reason: "it is not trusted",
            RecordedStrangers(
                count: 7, addresses: 2, reasons: [.init("unknownCA", 5), .init("reset", 2)],
                span: .seconds(60))),
        .sessionEnd(reason: "session ended", bytesIn: 10, bytesOut: 20, duration: .microseconds(1)),
        .reload(.certificates, failure: "a.pem: it is empty"),
        .omission(identity: "dns:ann", records: 7),
    ]

    /// Each has only those fields that are never left out.
    static let barest: [Record] = [
        .sessionStart(conversation: "command"), .commandStart(command),
        .commandEnd(command, CommandEnd(.serverEnded)),
        .commandGone(command, pid: nil, duration: .zero),
        .reply(RecordedReply(name: "Hello")), .refusal(RecordedRefusal(code: "notAllowed")),
        .handshakeFailure(code: "reset", reason: "it left"),
        .sessionEnd(reason: "session ended", bytesIn: 0, bytesOut: 0, duration: .zero),
        .reload(.commandTable, failure: nil), .omission(identity: nil, records: 1),
    ]
}
