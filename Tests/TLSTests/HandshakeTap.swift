// Sees every message of a server's handshake, as its transcript does.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

/// Stands in for the two processes at a stream that has its key: notes what the transcript has at each of
/// the two moments at which a broker is asked, and the server's signature, which is then the broker's.
final class HandshakeTap {
    private let stream: TLSStream
    private let nonce: [UInt8]
    /// All messages.
    private(set) var messages: [[UInt8]] = []
    private(set) var opening: [UInt8]?
    private(set) var serverVerify: [UInt8]?
    private(set) var clientCertificate: [UInt8]?

    /// At a server's stream whose handshake has not begun, and whose context proves handshakes.
    ///
    /// - Parameter sendsNonce: else the CertificateRequest has none.
    init(_ stream: TLSStream, sendsNonce: Bool = true) throws {
        self.stream = stream
        nonce = try HandshakeNonce.make()
        stream.transcript = HandshakeTranscript(nonce: sendsNonce ? nonce : nil)
        let itself = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe SSL_ctrl(stream.ssl, SSL_CTRL_SET_MSG_CALLBACK_ARG, 0, itself)
        unsafe SSL_set_msg_callback(stream.ssl) { isSent, _, type, start, count, _, argument in
            guard type == SSL3_RT_HANDSHAKE else { return }
            let tap = unsafe Unmanaged<HandshakeTap>.fromOpaque(argument!).takeUnretainedValue()
            let bytes = unsafe Array(
                UnsafeBufferPointer(
                    start: start!.assumingMemoryBound(to: UInt8.self), count: count))
            tap.note(bytes, isSent: isSent == 1)
        }
    }

    private func note(_ message: [UInt8], isSent: Bool) {
        messages.append(message)
        if message.first == HandshakeKind.certificateVerify.rawValue {
            if isSent {
                opening = stream.transcript?.opening
                serverVerify = message
            } else {
                clientCertificate = stream.transcript?.clientCertificate
            }
        }
        stream.transcript?.note(message.span, isSent: isSent)
    }

    /// The handshake that was done.
    func recorded(_ location: SourceLocation = #_sourceLocation) throws -> RecordedHandshake {
        RecordedHandshake(
            nonce: nonce, opening: try #require(opening, sourceLocation: location),
            serverVerify: try #require(serverVerify, sourceLocation: location),
            clientCertificate: try #require(clientCertificate, sourceLocation: location),
            closing: try #require(stream.takeProof(), sourceLocation: location))
    }
}
