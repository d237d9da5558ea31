// A handshake as a network process has it of its client, and a broker of its network process.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

/// All that the steps of a `HandshakeProof` are given. Each part can be changed, to be refused.
struct RecordedHandshake {
    var nonce: [UInt8]
    var opening: [UInt8]
    /// Of the server's CertificateVerify.
    var scheme: UInt16
    var signature: [UInt8]
    var clientCertificate: [UInt8]
    var closing: [UInt8]

    /// - Parameter serverVerify: the server's CertificateVerify.
    init(
        nonce: [UInt8], opening: [UInt8], serverVerify: [UInt8], clientCertificate: [UInt8],
        closing: [UInt8]
    ) {
        self.nonce = nonce
        self.opening = opening
        scheme = UInt16(serverVerify[4]) << 8 | UInt16(serverVerify[5])
        signature = Array(serverVerify[8...])
        self.clientCertificate = clientCertificate
        self.closing = closing
    }

    /// As `text` has it.
    init(_ text: String) throws {
        var fields: [Substring: [UInt8]] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            try #require(words.count == 2)
            let bytes: [UInt8] = try #require(Base64.bytes(Array(words[1].utf8)))
            fields[words[0]] = bytes
        }
        let closing = try #require(fields["closing"])
        self.init(
            nonce: try #require(fields["nonce"]), opening: try #require(fields["opening"]),
            serverVerify: try #require(fields["verify"]),
            clientCertificate: Array(split(closing)[1]), closing: closing)
    }

    /// A line for each part, and one about it.
    func text(about line: String) -> String {
        let length = [UInt8((signature.count + 4) >> 8), UInt8((signature.count + 4) & 0xff)]
        let verify =
            [15, 0] + length + [UInt8(scheme >> 8), UInt8(scheme & 0xff)]
            + [UInt8(signature.count >> 8), UInt8(signature.count & 0xff)] + signature
        let parts = [
            ("nonce", nonce), ("opening", opening), ("verify", verify), ("closing", closing),
        ]
        return "# \(line)\n"
            + parts.map { "\($0) \(Base64.text($1))\n" }.joined()
    }

    /// The certificate that the server has shown.
    var serverCertificate: [UInt8] {
        let message = Array(split(opening).last!)
        let length = Int(message[8]) << 16 | Int(message[9]) << 8 | Int(message[10])
        return Array(message[11..<11 + length])
    }

    func leaf() throws -> ServerLeaf {
        try ServerLeaf(#require(Certificate(der: serverCertificate)))
    }

    /// The client's certificate, as a broker that verifies nothing has it.
    func client() throws -> Certificate {
        try ClientChain(clientCertificate).certificates()[0]
    }

    /// The four steps, one after the other.
    ///
    /// - Parameter client: what is remembered of the client's chain; nil for reading it.
    func walk(
        as leaf: ServerLeaf, client: Certificate? = nil
    ) throws(ProofRefusal) -> ProvenClient {
        var proof = HandshakeProof(of: leaf, nonce: nonce)
        _ = try proof.contentToSign(opening, scheme: scheme)
        try proof.append(signature: signature)
        try proof.showChain(clientCertificate) { (chain) throws(ProofRefusal) in
            if let client { return client }
            return try chain.certificates()[0]
        }
        return try proof.prove(closing)
    }
}

/// Messages, each with its header; the last may be cut.
func split(_ messages: [UInt8]) -> [ArraySlice<UInt8>] {
    var rest = messages[...]
    var found: [ArraySlice<UInt8>] = []
    while !rest.isEmpty {
        let header = Array(rest.prefix(4)) + [0, 0, 0]
        let count = 4 + Int(header[1]) << 16 + Int(header[2]) << 8 + Int(header[3])
        found.append(rest.prefix(count))
        rest = rest.dropFirst(count)
    }
    return found
}

/// A Certificate message of these entries, with an empty context.
func certificateMessage(_ entries: [[UInt8]]) -> [UInt8] {
    let list = entries.flatMap { $0 }
    return message(11, [0] + size(list.count) + list)
}

/// A message with its header.
func message(_ type: UInt8, _ body: [UInt8]) -> [UInt8] { [type] + size(body.count) + body }

/// In three bytes.
private func size(_ count: Int) -> [UInt8] {
    [UInt8(count >> 16 & 0xff), UInt8(count >> 8 & 0xff), UInt8(count & 0xff)]
}
