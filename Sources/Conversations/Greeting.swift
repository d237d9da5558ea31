// The greeting protocol: the server thanks whoever connects.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
internal import System

/// Port 5000. The server speaks first, and only once.
public enum Greeting {
    public static func serve(
        _ stream: some ByteStream, transcript: (any Transcript)?
    ) async throws(StreamError) -> Int {
        if let peer = stream.channel.peer {
            transcript?.print("Got connection from " + peer.python)
        }
        try await stream.write("Thank you for connecting")
        return 1
    }

    /// Reads to the end and prints what came, even if the end is not clean.
    ///
    /// - Throws: `messageTooLong` if the server does not stop after the length of a message.
    public static func ask(
        _ stream: some ByteStream, transcript: (any Transcript)?
    ) async throws(StreamError) {
        var text: [UInt8] = []
        do throws(StreamError) {
            while let piece = try await stream.read(
                upTo: Message.limit,
                { [UInt8]($0) })
            {
                text += piece
                guard text.count <= Message.limit else {
                    throw StreamError(
                        .messageTooLong,
                        "the server's greeting has more than \(Message.limit) bytes; is this a greeting server?"
                    )
                }
            }
        } catch {
            if !text.isEmpty { transcript?.print(String(decoding: text, as: UTF8.self)) }
            throw error
        }
        guard !text.isEmpty else { throw stream.endedBeforeReply }
        transcript?.print(String(decoding: text, as: UTF8.self))
    }
}
