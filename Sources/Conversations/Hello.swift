// The hello protocol: the client says hello, the server says hello.
// SPDX-License-Identifier: Apache-2.0
public import Sockets

/// Port 8080. The server reads one message, answers `Hello from server` and closes.
public enum Hello {
    /// What both ends print: the tutorials have two versions of it.
    public struct Lines: Sendable {
        let connection, received, answered, sent, reply: String

        /// Of two separate programs.
        public static let separate = Lines(
            connection: "Connection from: ", received: "Received from client: ",
            answered: "Hello message sent", sent: "Hello message sent",
            reply: "Received from server: ")
        /// Of both ends in one process.
        public static let pair = Lines(
            connection: "Connection from ", received: "Server: ",
            answered: "Hello message sent from server", sent: "Client: Hello message sent",
            reply: "Client: ")
    }

    /// - Parameter check: asked at the message; what it throws ends the session without a reply.
    /// - Returns: the number of messages that were answered.
    public static func serve(
        _ stream: some ByteStream, lines: Lines = .separate, transcript: (any Transcript)?,
        check: () throws(StreamError) -> Void = {}
    ) async throws(StreamError) -> Int {
        if let peer = stream.channel.peer { transcript?.print(lines.connection + peer.python) }
        guard let message = try await stream.readMessage() else { return 0 }
        try check()
        transcript?.print(lines.received + message)
        try await stream.write("Hello from server")
        transcript?.print(lines.answered)
        return 1
    }

    public static func ask(
        _ stream: some ByteStream, lines: Lines = .separate, transcript: (any Transcript)?
    ) async throws(StreamError) {
        try await stream.write("Hello from client")
        transcript?.print(lines.sent)
        transcript?.print(lines.reply + (try await stream.readReply()))
    }
}
