// The command-reply protocol: each message has its reply, until `quit`.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
internal import System

/// Port 12345.
public enum Command {
    /// Answers every message from a table, until one closes or the client ends.
    ///
    /// - Parameter answered: called with each message, and whether the table has it.
    /// - Returns: the number of messages that were answered.
    public static func serve(
        _ stream: some ByteStream, replies: ReplyTable, transcript: (any Transcript)?,
        answered: ((Span<UInt8>, Bool) -> Void)? = nil
    ) async throws(StreamError) -> Int {
        try await serve(
            stream, replies: { () throws(StreamError) in replies }, transcript: transcript,
            answered: answered)
    }

    /// The same, with a table that may change meanwhile.
    ///
    /// - Parameter replies: asked at each message; what it throws ends the session without a reply.
    public static func serve(
        _ stream: some ByteStream, replies: @escaping () throws(StreamError) -> ReplyTable,
        transcript: (any Transcript)?, answered: ((Span<UInt8>, Bool) -> Void)? = nil
    ) async throws(StreamError) -> Int {
        transcript?.print("Connected.")
        let count = Box(0)
        let failure = Box<StreamError?>(nil)
        let ask = replies
        try await stream.answer(upTo: Message.limit) { message, output in
            let replies: ReplyTable
            do throws(StreamError) {
                replies = try ask()
            } catch {
                failure.value = error
                return .last
            }
            transcript?.print("Received: ", message)
            count.value += 1
            let found = replies.find(message)
            answered?(message, found != nil)
            let reply = replies.reply(found)
            let bytes = reply.bytes
            output.append(contentsOf: bytes.span)
            return reply.closes ? .last : .send
        }
        if let failure = failure.value { throw failure }
        return count.value
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

    private final class Box<Value> {
        var value: Value
        init(_ value: Value) { self.value = value }
    }
}
