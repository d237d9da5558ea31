// What of a TLS stream OpenSSL's callbacks know.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
public import Sockets

/// The channel below a TLS stream as OpenSSL sees it, and what OpenSSL asks of the stream. Its only
/// subclass is `TLSStream`: an object of its own would be one more for each session.
@safe
public class TLSTransport {
    // In the order of use, since a message should touch few cache lines.

    public final let channel: Channel
    /// The errno of the channel's last call that has failed, or would have had to wait.
    final var error: Int32 = 0
    /// The channel has come to its end.
    final var hasEnded = false

    /// What is gathered of a server's handshake, to be set before it begins, in a context whose options
    /// say `provesHandshakes`; nil for nothing.
    public final var transcript: HandshakeTranscript?

    /// What is looked at of a client's hello; nil where that is over, and at a client.
    final var gauge: Gauge?
    /// A hello is longer than one may be: nothing of it has reached OpenSSL that it makes room for.
    final var isHelloTooLong = false

    /// Its own piece of memory, which a session gives back after its handshake.
    final class Gauge {
        fileprivate var gauge = HelloGauge()
    }

    init(over channel: Channel) {
        self.channel = channel
    }

    /// The stream of a connection; nil for a connection that is not a stream's.
    static func of(_ ssl: OpaquePointer) -> TLSTransport? {
        guard let bio = unsafe SSL_get_rbio(ssl), unsafe BIO_method_type(bio) == kindOfBIO else {
            return nil
        }
        return unsafe BIO_get_data(bio).map {
            unsafe Unmanaged.fromOpaque($0).takeUnretainedValue()
        }
    }

    /// OpenSSL's hook for the verification of a peer's certificate: 1 where it is accepted.
    static func verify(_ store: OpaquePointer) -> Int32 {
        let index = parley_SSL_verify_ex_data_index()
        guard let ssl = unsafe X509_STORE_CTX_get_ex_data(store, index),
            let transport = unsafe of(OpaquePointer(ssl))
        else { return 0 }
        return unsafe transport.verify(store)
    }

    /// For the subclass: verifies the peer's certificate.
    func verify(_ store: OpaquePointer) -> Int32 { 0 }

    /// For the subclass: where the connection's secrets go.
    var keyLog: KeyLog? { nil }

    /// The type of a BIO whose data is a transport.
    static let kindOfBIO = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK

    final func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = unsafe channel.receive(into: buffer)
        if count == 0 { hasEnded = true }
        if count < 0 { error = Int32(-count) }
        guard count > 0, let gauge else { return count }
        switch unsafe gauge.gauge.note(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
        case .goesOn: return count
        case .isDone:
            self.gauge = nil
            return count
        case .isTooLong:
            isHelloTooLong = true
            return -1
        }
    }

    final func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = unsafe channel.send(bytes)
        if count < 0 { error = Int32(-count) }
        return count
    }
}
