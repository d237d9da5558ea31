// The four conversations of the tutorials: their names, and how their servers start.
// SPDX-License-Identifier: Apache-2.0

/// One of the tutorials' protocols.
public enum Conversation: String, CaseIterable, Sendable {
    case hello, greeting, command, chat

    public var defaultPort: UInt16 {
        switch self {
        case .hello: 8080
        case .greeting, .chat: 5000
        case .command: 12345
        }
    }

    /// Where the server listens; the address in the command tutorial is only an example.
    public var defaultHost: String {
        switch self {
        case .hello, .greeting: "0.0.0.0"
        case .command, .chat: "127.0.0.1"
        }
    }

    /// What a server prints before it binds.
    public var linesBeforeBind: [String] {
        switch self {
        case .greeting: ["Socket creation successful"]
        case .command: ["Socket initialized successfully."]
        case .hello, .chat: []
        }
    }

    /// What a server prints if it can't bind.
    public var linesAfterFailedBind: [String] {
        self == .command ? ["Failed to bind socket."] : []
    }

    /// What a server prints once it listens.
    public func linesAfterListen(port: UInt16) -> [String] {
        switch self {
        case .hello: ["Server listening on port \(port)"]
        case .greeting: ["socket binded to \(port)", "socket is listening"]
        case .command: ["Socket ready for incoming messages."]
        case .chat: ["Server started. Waiting for a client..."]
        }
    }
}
