// The command-reply protocol: each message has its reply, until `quit`.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
internal import System

/// Port 12345.
public enum Command {
    /// Answers every message from a table, until one closes or the client ends. Returns at once: a session that waits for
    /// a message has no task, whose memory would be a tenth of the session's.
    ///
    /// - Parameters:
    ///   - replies: asked at each message, since it may change; what it throws ends the session without a reply.
    ///   - answered: called with each message, and whether the table has it.
    ///   - ended: called once with the number of messages that were answered, or why the session failed;
    ///     `Channel.cancel()` ends it early.
    public static func serve(
        _ stream: some ByteStream, replies: @escaping () throws(StreamError) -> ReplyTable,
        transcript: (any Transcript)?, answered: ((Span<UInt8>, Bool) -> Void)? = nil,
        ended: @escaping (Result<Int, StreamError>) -> Void
    ) {
        transcript?.print("Connected.")
        let server = CommandServer(replies, transcript, answered, ended)
        stream.beginAnswering(
            upTo: Message.limit, { server.answer($0, &$1) }, ended: { server.end($0) })
    }

    /// The interactive client: prompts, sends, prints, until `Closing down` or the end of input.
    public static func ask(
        _ stream: some ByteStream, transcript: any Transcript
    ) async throws(StreamError) {
        while let command = try await transcript.askForMessage("Execute command: ", on: stream) {
            try await stream.write(command)
            let reply = try await stream.readReply()
            transcript.print("Server response: " + reply)
            if reply == "Closing down" { return }
        }
    }

    /// The client for scripts: sends each message and prints the bare replies, one per line.
    ///
    /// - Throws: `messageTooLong` or `messageNotText` before anything is sent; `endedEarly` if the
    ///   server ends before the last reply.
    public static func ask(
        _ messages: [String], on stream: some ByteStream, transcript: any Transcript
    ) async throws(StreamError) {
        try check(messages)
        for message in messages {
            try await stream.write(message)
            transcript.print(try await stream.readReply())
        }
    }

    /// Checks messages before a connection is made.
    public static func check(_ messages: [String]) throws(StreamError) {
        for message in messages {
            guard !message.isEmpty else {
                throw StreamError(
                    .messageNotText,
                    "an empty message cannot be sent, because no reply would come; omit it")
            }
            try Message.check(Array(message.utf8))
        }
    }
}

/// The state of a server's session, in one object.
private final class CommandServer {
    private let replies: () throws(StreamError) -> ReplyTable
    private let transcript: (any Transcript)?
    private let answered: ((Span<UInt8>, Bool) -> Void)?
    private let ended: (Result<Int, StreamError>) -> Void
    private var count = 0
    private var failure: StreamError?

    init(
        _ replies: @escaping () throws(StreamError) -> ReplyTable, _ transcript: (any Transcript)?,
        _ answered: ((Span<UInt8>, Bool) -> Void)?,
        _ ended: @escaping (Result<Int, StreamError>) -> Void
    ) {
        self.replies = replies
        self.transcript = transcript
        self.answered = answered
        self.ended = ended
    }

    func answer(_ message: Span<UInt8>, _ output: inout OutputSpan<UInt8>) -> Turn {
        let replies: ReplyTable
        do throws(StreamError) {
            replies = try self.replies()
        } catch {
            failure = error
            return .last
        }
        transcript?.print("Received: ", message)
        count += 1
        let found = replies.find(message)
        answered?(message, found != nil)
        let reply = replies.reply(found)
        let bytes = reply.bytes
        output.append(contentsOf: bytes.span)
        return reply.closes ? .last : .send
    }

    func end(_ result: Result<Bool, StreamError>) {
        ended(failure.map { .failure($0) } ?? result.map { _ in count })
    }
}
