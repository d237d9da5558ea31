// What is known of `parley/1` without a session.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
public import System

/// The ALPN protocol (RFC 7301) of remote sessions.
public let remoteProtocol = "parley/1"

/// The port of remote sessions.
public let remotePort: UInt16 = 12_345

/// What a client may know of `parley/1` before it has a session.
public enum RemoteRequest {
    /// Checks a command before it is sent or a connection is made.
    ///
    /// - Throws: `commandRefused`.
    public static func check(_ words: [String]) throws(StreamError) {
        guard let name = words.first, !name.isEmpty else {
            throw StreamError(.commandRefused, "the command's name is missing, so it was not sent")
        }
        if Request(name: name, arguments: Array(words.dropFirst())).isTooLarge {
            throw StreamError(
                .commandRefused, "\(Refusal.tooLarge("").sentence); nothing was sent")
        }
    }

    /// How many bytes of runs may be unanswered for a cancel to be read at once.
    public static let bytesAhead = Frame.aheadLimit
}

extension StreamError.Code {
    /// The server refused a command, or would.
    public static var commandRefused: Self { Self(rawValue: "commandRefused") }
}
