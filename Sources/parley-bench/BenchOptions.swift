// parley-bench's command line.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import Remote
internal import Sockets
internal import TLS

/// What to do with which server.
struct BenchOptions {
    enum Mode: String, CaseIterable {
        case handshake, reply, pipelined, runs, idle

        /// Whether its connections speak parley/1.
        var isRemote: Bool { self == .pipelined || self == .runs }
    }

    /// How a reply is recognised.
    enum Reply {
        case exactly([UInt8])
        case length(Int)
        /// A program's: frames of parley/1 to an exit with status 0.
        case exits
    }

    let mode: Mode
    let port: UInt16
    /// The server's processes; their children are added.
    let processes: [pid_t]
    let connections: Int
    let request: [UInt8]
    let reply: Reply
    /// How many requests of one connection are outstanding at once.
    let depth: Int
    let seconds: Duration
    let warmUp: Duration
    /// How many operations to run instead of a time.
    let count: Int?
    let levels: [Int]
    let limit: Duration
    /// Nil for plaintext.
    let security: SecurityOptions?

    init(_ words: [String]) throws {
        let arguments = try Arguments(
            words, flags: ["plaintext", "help"],
            valued: [
                "port", "pids", "connections", "request", "reply", "reply-length", "seconds",
                "warm-up", "count", "levels", "limit", "certs", "ca", "cert", "key",
            ])
        if arguments.has("help") { endAfterPrinting(Self.help, failure: 64) }
        guard arguments.operands.count == 1, let mode = Mode(rawValue: arguments.operands[0]) else {
            throw UsageError("missing mode; use handshake, reply, pipelined, runs or idle")
        }
        self.mode = mode
        guard let port = try arguments.port("port"), port > 0 else {
            throw UsageError("--port is missing")
        }
        self.port = port
        processes = try (arguments["pids"] ?? "").split(separator: ",").map { word in
            guard let number = pid_t(word), number > 0 else {
                throw UsageError("'\(word)' is not a process ID")
            }
            return number
        }
        levels = try (arguments["levels"] ?? "").split(separator: ",").map { word in
            guard let number = Int(word), (1...1_000_000).contains(number) else {
                throw UsageError("'\(word)' is not a number of sessions")
            }
            return number
        }
        if mode == .idle, levels.isEmpty || levels != levels.sorted() {
            throw UsageError("idle needs --levels in ascending order")
        }
        connections = try arguments.number("connections", 1...100_000) ?? 64
        seconds = try arguments.seconds("seconds") ?? .seconds(3)
        warmUp = try arguments.seconds("warm-up") ?? .milliseconds(300)
        limit = try arguments.seconds("limit") ?? .seconds(120)
        count = try arguments.number("count", 1...1_000_000_000)
        depth = mode == .pipelined ? 256 : 1
        if mode.isRemote {
            // A run of the command, and its reply and exit, as in docs/protocol.md.
            let name = Array((arguments["request"] ?? "Hello").utf8)
            let text = Array((arguments["reply"] ?? "Greetings!").utf8) + [0x0a]
            guard name.count < 256, text.count < 256 else {
                throw UsageError("--request and --reply are too long for a pipeline")
            }
            request =
                [1, 0, 0, UInt8(name.count + 2), 0, UInt8(name.count)] + name
            reply =
                mode == .runs
                ? .exits : .exactly([17, 0, 0, UInt8(text.count)] + text + [19, 0, 0, 2, 0, 0])
        } else {
            request = unescaped(arguments["request"] ?? "Hello")
            if let length = try arguments.number("reply-length", 1...1_048_576) {
                reply = .length(length)
            } else {
                reply = .exactly(unescaped(arguments["reply"] ?? "Greetings!"))
            }
        }
        guard !request.isEmpty, depth * request.count <= answerCapacity else {
            throw UsageError(
                "the outstanding requests must be 1 to \(answerCapacity) bytes in total")
        }
        if arguments.has("plaintext") {
            try SecurityOptions.refuseWithPlaintext(arguments, SecurityOptions.client)
            security = nil
        } else {
            var security = try SecurityOptions(arguments, role: .client)
            if mode.isRemote { security.applicationProtocols = [remoteProtocol] }
            self.security = security
        }
    }

    private static let help = """
        usage: parley-bench MODE --port N [options]

        Puts load on a server on 127.0.0.1 and prints one line of JSON.
        MODE: handshake (connections, one exchange each), reply (messages over open
              connections), pipelined (a fixed reply over parley/1, many runs ahead),
              runs (a program over parley/1, one run after the other in each session),
              idle (open sessions)
          --pids N,...          the server's processes, to measure CPU time and memory
          --connections N       concurrent connections (default 64)
          --request TEXT        default Hello; \\r and \\n are understood
          --reply TEXT          the expected reply; default Greetings!
          --reply-length N      accept any reply of N bytes
          --seconds N           how long to measure (default 3)
          --warm-up N           seconds before that (default 0.3)
          --count N             run N operations without a warm-up, instead of a time
          --levels N,...        idle: numbers of sessions, ascending; one line for each
          --limit SECONDS       for the whole run (default 120)
          --plaintext, --certs DIR, --ca FILE, --cert FILE, --key FILE   as for parley

        """
}

/// `\r`, `\n` and `\\` as the bytes that they mean.
private func unescaped(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var isEscaped = false
    for byte in text.utf8 {
        if isEscaped {
            switch byte {
            case UInt8(ascii: "r"): bytes.append(0x0d)
            case UInt8(ascii: "n"): bytes.append(0x0a)
            default: bytes.append(byte)
            }
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else {
            bytes.append(byte)
        }
    }
    return bytes
}
