// A program of somebody else's at the other end of a connection.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import System
internal import Testing

@testable internal import TestSupport

/// A running program, its standard input and outputs on a socket of the test's loop. It is killed
/// when nobody needs it any more, and gives up where it says nothing for half a minute.
final class Stranger {
    private let process: pid_t
    private let stream: PlainStream
    private var heard: [UInt8] = []

    init(_ arguments: [String], on loop: EventLoop) throws {
        let pair = try SocketPair()
        guard fcntl(pair.ours.number, F_SETFL, O_NONBLOCK) == 0 else {
            throw ProgramFailure(description: "\(Errno.last)")
        }
        var deadlines = Deadlines()
        deadlines.idle = .seconds(30)
        let socket = try Socket(owning: pair.ours, loop: loop, peer: nil, deadlines: deadlines)
        socket.enter(.idle)
        stream = PlainStream(socket)
        process = try spawn(arguments, standard: pair.theirs)
    }

    deinit {
        kill()
        wait(for: process)
    }

    /// Ends it without a word to its peer.
    func kill() { _ = Glibc.kill(process, SIGKILL) }

    /// Types a line.
    func say(_ line: String) async throws { try await stream.write(Array("\(line)\n".utf8)) }

    /// Ends its standard input.
    func endInput() { stream.channel.shutdownWrite() }

    /// All it has said so far.
    var output: String { String(decoding: heard, as: UTF8.self) }

    /// Waits until it has said something, and takes that and what came before.
    @discardableResult
    func hear(_ text: String, _ location: SourceLocation = #_sourceLocation) async throws -> String
    {
        while !output.contains(text) {
            guard try await listen() else {
                throw ProgramFailure(description: "no '\(text)' in: \(output)")
            }
        }
        let said = output
        let end = said.firstRange(of: text)!.upperBound
        heard = Array(said[end...].utf8)
        return String(said[..<end])
    }

    /// Waits for its end: the rest of what it has said.
    func hearAll() async throws -> String {
        while try await listen() {}
        return output
    }

    private func listen() async throws -> Bool {
        guard let bytes = try await stream.readBytes() else { return false }
        heard += bytes
        return true
    }
}
