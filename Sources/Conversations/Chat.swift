// The chat protocol: an operator answers each message, until the client says `BYE`.
// SPDX-License-Identifier: Apache-2.0
public import Sockets

/// Port 5000. One session at a time, because there is one operator.
public enum Chat {
    /// Serves one client at the operator's console.
    ///
    /// - Parameters:
    ///   - check: asked at each message; what it throws ends the session without a reply.
    ///   - asks: called with true while the operator is asked, and false once the answer is on its way.
    /// - Returns: the number of messages that were answered.
    /// - Throws: `operatorLeft` at the end of the operator's input.
    public static func serve(
        _ stream: some ByteStream, transcript: any Transcript,
        check: () throws(StreamError) -> Void = {}, asks: (Bool) -> Void = { _ in }
    ) async throws(StreamError) -> Int {
        if let peer = stream.channel.peer {
            transcript.print("Client connected from " + peer.python)
        }
        var answered = 0
        while let message = try await stream.readMessage() {
            if message == farewell {
                transcript.print("Closing connection")
                break
            }
            try check()
            transcript.print("Client says: " + message)
            asks(true)
            guard let answer = try await transcript.askForMessage("Server: ", on: stream) else {
                throw StreamError(
                    .operatorLeft, "the operator's input ended, so the chat ended")
            }
            try await stream.write(answer)
            asks(false)
            answered += 1
        }
        return answered
    }

    /// Prompts the operator at this end, until `BYE` or the end of input.
    public static func ask(
        _ stream: some ByteStream, transcript: any Transcript
    ) async throws(StreamError) {
        transcript.print("Connected to the server.")
        while let message = try await transcript.askForMessage("Client: ", on: stream) {
            try await stream.write(message)
            if message == Array(farewell.utf8) { return }
            transcript.print("Server says: " + (try await stream.readReply()))
        }
    }

    private static let farewell = "BYE"
}
