// Handshake messages, one after the other.
// SPDX-License-Identifier: Apache-2.0

/// A message as both ends hash it.
struct HandshakeMessage {
    /// With its header of four bytes.
    let whole: ArraySlice<UInt8>
    let body: ArraySlice<UInt8>
    let kind: HandshakeKind

    /// The body, to be read.
    var fields: WireReader { WireReader(body, of: kind) }
}

/// Reads messages in the expected order, with exact lengths and within the limits of
/// `HandshakeKind`. It copies nothing.
struct HandshakeReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// Whether a message of this kind comes next.
    func isNext(_ kind: HandshakeKind) -> Bool { rest.first == kind.rawValue }

    /// - Parameter isServers: whether the server sent it, so that its certificates are the server's
    ///   own.
    mutating func next(
        _ kind: HandshakeKind, isServers: Bool = false
    ) throws(ProofRefusal) -> HandshakeMessage {
        guard let first = rest.first else { throw .truncated }
        guard first == kind.rawValue else { throw .outOfOrder(due: kind) }
        guard rest.count >= Self.header else { throw .truncated }
        let start = rest.startIndex
        let count = Int(rest[start + 1]) << 16 | Int(rest[start + 2]) << 8 | Int(rest[start + 3])
        guard count <= kind.longest(isServers: isServers) else {
            throw isServers && kind == .certificate ? .longServerChain : .tooLong(kind)
        }
        guard rest.count >= Self.header + count else { throw .truncated }
        let end = start + Self.header + count
        let whole = rest[start..<end]
        rest = rest[end...]
        return HandshakeMessage(
            whole: whole, body: whole[(start + Self.header)...], kind: kind)
    }

    /// Expects that nothing follows.
    func end() throws(ProofRefusal) {
        guard rest.isEmpty else { throw .trailingBytes }
    }

    /// The length of a message header: its type, and its body's length in three bytes.
    static let header = 4
}
