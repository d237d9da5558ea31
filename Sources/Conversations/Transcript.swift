// The console of a session: the lines that it prints and the lines that it reads.
// SPDX-License-Identifier: Apache-2.0
public import Sockets

/// Where a session's console lines go and where its operator's lines come from. Confined to the
/// session's loop.
public protocol Transcript: AnyObject, SendableMetatype {
    /// Whether there is a person who can be asked again.
    var isInteractive: Bool { get }

    /// Prints a line.
    func print(_ line: String)

    /// Prints a line consisting of a fixed text and a message's bytes, without copying either.
    func print(_ start: StaticString, _ message: Span<UInt8>)

    /// Prints a prompt and waits for a line, which is returned without its line end; nil at the end
    /// of input.
    ///
    /// - Throws: `cancelled`.
    func ask(_ prompt: String) async throws(StreamError) -> [UInt8]?

    /// Tells the operator what was wrong with a line, apart from the conversation.
    func warn(_ fault: StreamError)
}

extension Transcript {
    /// Prompts until there is a line that can be sent as a message, or the peer ends the session.
    ///
    /// - Returns: nil at the end of input.
    /// - Throws: `endedEarly` or the stream's failure if the peer ends first; what is wrong with a
    ///   message if nobody can be asked again.
    func askForMessage(
        _ prompt: String, on stream: some ByteStream
    ) async throws(StreamError) -> [UInt8]? {
        while true {
            guard let line = try await ask(prompt, on: stream) else { return nil }
            // The tutorials' programs would send nothing and wait for ever.
            if line.isEmpty { continue }
            do throws(StreamError) {
                try Message.check(line)
                return line
            } catch {
                guard isInteractive else { throw error }
                warn(error)
            }
        }
    }

    /// Asks for a line, and ends the asking where the peer ends the session meanwhile.
    ///
    /// - Returns: nil at the end of input.
    /// - Throws: `endedEarly` or the stream's failure if the peer ends first; `cancelled`.
    public func ask(
        _ prompt: String, on stream: some ByteStream
    ) async throws(StreamError) -> [UInt8]? {
        try await ask(
            prompt, on: stream.channel.loop,
            while: { () async throws(StreamError) in try await stream.untilReadable() })
    }

    /// Asks for a line, and ends the asking where the peer ends the session meanwhile.
    ///
    /// - Parameter heard: waits until the peer says something, and is cancelled with the prompt; false
    ///   if the peer has ended the session.
    /// - Returns: nil at the end of input.
    /// - Throws: `endedEarly` or what `heard` throws if the peer ends first; `cancelled`.
    public func ask(
        _ prompt: String, on loop: EventLoop,
        while heard: @escaping () async throws(StreamError) -> Bool
    ) async throws(StreamError) -> [UInt8]? {
        let bound = LoopBound((transcript: self, heard: heard), to: loop)
        let outcome: Result<[UInt8]?, StreamError> = await withTaskGroup(of: Heard.self) { group in
            group.addTask {
                do throws(StreamError) {
                    return .line(.success(try await bound.value.transcript.ask(prompt)))
                } catch { return .line(.failure(error)) }
            }
            group.addTask {
                do throws(StreamError) {
                    return .peer(.success(try await bound.value.heard()))
                } catch { return .peer(.failure(error)) }
            }
            defer { group.cancelAll() }
            while let outcome = await group.next() {
                switch outcome {
                case .line(let line): return line
                // It sent something unsolicited, which the next read will get.
                case .peer(.success(true)): continue
                case .peer(.success(false)):
                    return .failure(StreamError(.endedEarly, "the peer ended the session"))
                case .peer(.failure(let error)): return .failure(error)
                }
            }
            return .failure(StreamError(.cancelled, "the session was cancelled"))
        }
        return try outcome.get()
    }
}

/// What came first while waiting for a line.
private enum Heard: Sendable {
    case line(Result<[UInt8]?, StreamError>)
    case peer(Result<Bool, StreamError>)
}
