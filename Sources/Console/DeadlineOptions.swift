// The options for a peer's silence, the same for both programs.
// SPDX-License-Identifier: Apache-2.0
public import Sockets

extension Deadlines {
    public static let options = ["handshake-timeout", "idle-timeout", "close-timeout"]

    /// Takes over what a command line says.
    public mutating func read(_ arguments: Arguments) throws(UsageError) {
        handshake = try arguments.seconds("handshake-timeout") ?? handshake
        idle = try arguments.seconds("idle-timeout") ?? idle
        close = try arguments.seconds("close-timeout") ?? close
    }

    /// Takes over `--keepalive`, which is only for remote sessions.
    public mutating func readKeepalive(_ arguments: Arguments) throws(UsageError) {
        guard let text = arguments["keepalive"] else { return }
        keepalive = Double(text) == 0 ? .zero : try arguments.seconds("keepalive") ?? keepalive
    }
}
