// What the conversations have in common: one send is one message.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
public import System

public enum Message {
    /// The longest message in bytes: what the tutorials' `recv` asks for.
    public static let limit = 1_024

    /// Checks whether a line can be a message.
    ///
    /// - Throws: `messageTooLong`, `messageNotText`.
    static func check(_ line: [UInt8]) throws(StreamError) {
        guard line.count <= limit else {
            throw StreamError(
                .messageTooLong,
                "a message can have at most \(limit) bytes and this one has more, so it was not sent; send less at a time"
            )
        }
        guard String(validating: line, as: UTF8.self) != nil else {
            throw StreamError(
                .messageNotText, "a message must be UTF-8 text, so this one was not sent")
        }
    }
}

extension StreamError.Code {
    /// A message over the limit; nothing was sent.
    public static var messageTooLong: Self { Self(rawValue: "messageTooLong") }
    /// A message that is not UTF-8; nothing was sent.
    public static var messageNotText: Self { Self(rawValue: "messageNotText") }
    /// The operator's input has ended.
    public static var operatorLeft: Self { Self(rawValue: "operatorLeft") }
}

extension ByteStream {
    /// Reads one message as text; what is not UTF-8 becomes U+FFFD. Nil at the end.
    func readMessage() async throws(StreamError) -> String? {
        try await read(upTo: Message.limit) { String(repairing: $0) }
    }

    /// Reads the reply that is due.
    ///
    /// - Throws: `endedEarly` if the peer ends instead; `messageTooLong` for what can't be a reply
    ///   of these protocols, since the rest of it would be taken for the next one.
    func readReply() async throws(StreamError) -> String {
        let reply = try await read(upTo: Message.limit + 1) { bytes in
            bytes.count > Message.limit ? nil : String(repairing: bytes)
        }
        guard let reply else { throw endedBeforeReply }
        guard let text = reply else {
            throw StreamError(
                .messageTooLong,
                "the server's reply has more than \(Message.limit) bytes; is this the right protocol?"
            )
        }
        return text
    }

    var endedBeforeReply: StreamError {
        StreamError(
            .endedEarly,
            "the server ended the session before it replied",
            remedy: channel.received == 0 ? .speakTLSIfPeerDoes : nil)
    }

    func write(_ text: String) async throws(StreamError) {
        try await write(Array(text.utf8))
    }
}

extension SocketAddress {
    /// As Python prints an address: `('127.0.0.1', 36782)`, for IPv6 with flow and scope.
    var python: String {
        family == .ipv4 ? "('\(host)', \(port))" : "('\(host)', \(port), \(flowInfo), \(scope))"
    }
}
