// A session with a server, for any Swift program.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Sockets
internal import System
internal import TLS

/// A session with one server, for any number of commands, one at a time.
///
/// All of its methods can be called from any task and actor. It belongs to one thread that the library starts with the
/// first session and that all sessions share; no code of the caller runs there. The library changes nothing else of its
/// process: no signal and no handler of one, no descriptor that it did not open, neither umask nor environment.
///
/// ``close()`` ends it, and so does its last reference.
public final class Session: Sendable {
    /// What the owner of the certificates should know, such as that one expires soon. Sentences without full stops.
    public let warnings: [String]

    private let hold: SessionHold
    /// The server, for sentences.
    private let place: String

    private init(_ hold: SessionHold, place: String, warnings: [String]) {
        self.hold = hold
        self.place = place
        self.warnings = warnings
    }

    /// Opens a session over mutual TLS 1.3. The server's certificate and name are always verified.
    ///
    /// A server that does not accept the client's certificate says so after this has returned (RFC 8446, section 2), so
    /// that the first command throws ``ParleyError/notTrusted(_:)``.
    ///
    /// - Parameters:
    ///   - host: `HOST`, `HOST:PORT` or `[IPV6]:PORT`; the port is 12345 if it is left out.
    ///   - credentials: the files to prove the client with and to verify the server by.
    ///   - serverName: what the server's certificate must have among its names: a DNS name, an address, or `uri:` and a
    ///     URI. The host, if it is left out.
    ///   - connectTimeout: how long the connection may take, name look-up included, and then the handshake.
    ///   - keepalive: after this much silence the server is pinged; zero for never.
    ///   - idleTimeout: after this much silence, despite pings, the server is given up.
    /// - Throws: ``ParleyError``: `invalid`, `badCredentials`, `connectionFailed`, `notTrusted` or `cancelled`.
    public static func connect(
        to host: String, credentials: Credentials = Credentials(), serverName: String? = nil,
        connectTimeout: Duration = .seconds(10), keepalive: Duration = .seconds(15),
        idleTimeout: Duration = .seconds(300)
    ) async throws(ParleyError) -> Session {
        let place = escaped(host)
        guard let endpoint = Endpoint(host, defaultPort: remotePort), endpoint.port > 0 else {
            throw .invalid(
                "'\(place)' is not a valid host; use HOST, HOST:PORT or [IPV6]:PORT, with a port up to 65535"
            )
        }
        let name: ServerName
        do throws(CredentialError) { name = try ServerName(serverName ?? endpoint.host) } catch {
            throw .invalid(
                "\(place): '\(escaped(serverName ?? endpoint.host))' is not a valid server name: \(error.sentence)"
            )
        }
        var deadlines = Deadlines()
        deadlines.handshake = connectTimeout
        deadlines.keepalive = keepalive
        deadlines.idle = idleTimeout
        let loop: EventLoop
        do throws(StreamError) { loop = try LibraryLoop.running() } catch {
            throw ParleyError(error, at: place)
        }
        let opening = Task(executorPreference: loop) { [deadlines] in
            await Self.open(
                endpoint, name, credentials, deadlines, within: connectTimeout, loop, place)
        }
        let opened = await withTaskCancellationHandler {
            await opening.value
        } onCancel: {
            opening.cancel()
        }
        return try opened.get()
    }

    /// Runs a command and collects its output.
    ///
    /// - Parameters:
    ///   - command: its name in the server's table.
    ///   - arguments: at most 64, and 32,768 bytes together with the name.
    ///   - input: what the program reads, if the command takes input.
    ///   - timeout: after this time the command is cancelled.
    ///   - maxOutput: how many bytes of output and error output to collect at most.
    /// - Returns: how it ended, also if it was refused, failed or exceeded a limit of the server's.
    /// - Throws: ``ParleyError`` if its outcome is not known, or was caused by `timeout`.
    public func run(
        _ command: String, arguments: [String] = [], input: Input = .none,
        timeout: Duration? = nil, maxOutput: Int = 64 << 20
    ) async throws(ParleyError) -> CommandResult {
        var output: [UInt8] = []
        var errorOutput: [UInt8] = []
        var events = stream(command, arguments: arguments, input: input, timeout: timeout)
            .makeAsyncIterator()
        do throws(ParleyError) {
            while let event = try await events.next() {
                switch event {
                case .output(let bytes): output += bytes
                case .errorOutput(let bytes): errorOutput += bytes
                case .ended(let outcome):
                    return CommandResult(outcome, output: output, errorOutput: errorOutput)
                }
                guard output.count + errorOutput.count <= maxOutput else {
                    throw .tooMuchOutput(
                        "\(place): the command had more than \(maxOutput) bytes of output and was ended; allow more with maxOutput, or use stream"
                    )
                }
            }
        } catch {
            guard case .commandTimedOut(let sentence, let result) = error else { throw error }
            throw .commandTimedOut(
                sentence,
                CommandResult(result.outcome, output: output, errorOutput: errorOutput))
        }
        throw .cancelled("\(place): the command was cancelled")
    }

    /// A command whose output is taken as it comes; it begins with the first event that is asked for.
    ///
    /// Both outputs are in one sequence, so that a program that fills one of them while the other is awaited does not
    /// wait for ever.
    ///
    /// - Parameters:
    ///   - command: its name in the server's table.
    ///   - arguments: at most 64, and 32,768 bytes together with the name.
    ///   - input: what the program reads, if the command takes input.
    ///   - timeout: after this time the command is cancelled.
    public func stream(
        _ command: String, arguments: [String] = [], input: Input = .none,
        timeout: Duration? = nil
    ) -> CommandEvents {
        CommandEvents(
            hold: hold,
            request: CommandRequest(words: [command] + arguments, input: input, timeout: timeout))
    }

    /// Ends the running command: its program gets SIGTERM, and SIGKILL after a grace period. Its outcome comes as
    /// always, and the session goes on. Does nothing if no command runs.
    public func cancel() {
        hold.execute { $0.cancel() }
    }

    /// Ends the session, and with it what runs. Waits for the server's end, 5 seconds at most. Can be called again.
    public func close() async {
        await hold.close()
    }

    /// On the loop.
    private static func open(
        _ endpoint: Endpoint, _ name: ServerName, _ credentials: Credentials,
        _ deadlines: Deadlines, within span: Duration, _ loop: EventLoop, _ place: String
    ) async -> Result<Session, ParleyError> {
        let context: TLSContext
        switch await read(credentials) {
        case .success(let read): context = read
        case .failure(let error): return .failure(ParleyError(error, at: place))
        }
        do throws(StreamError) {
            let socket = try await Socket.connect(
                to: endpoint, within: span, deadlines: deadlines, loop: loop)
            let stream = try await TLSStream.open(context, serverName: name, over: socket)
            do throws(StreamError) { try stream.requireRemoteSessions() } catch {
                await stream.close()
                throw error
            }
            let expiry = Expiry.firstWarning(of: context.expiries).map { [$0] } ?? []
            let hold = SessionHold(SessionCore(stream, place: place), loop: loop)
            return .success(Session(hold, place: place, warnings: context.warnings + expiry))
        } catch {
            return .failure(ParleyError(error, opening: place))
        }
    }

    /// On a thread of its own: reading takes time, and OpenSSL's errors are the thread's.
    private static func read(_ credentials: Credentials) async -> Result<
        TLSContext, CredentialError
    > {
        await withCheckedContinuation { waiting in
            let read: @Sendable () -> Void = {
                waiting.resume(
                    returning: Result { () throws(CredentialError) in try credentials.context() })
            }
            // Where no thread can be started, this one must do.
            do throws(Errno) { try startDetachedThread(read) } catch { read() }
        }
    }
}
