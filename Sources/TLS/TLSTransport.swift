// The part of a TLS stream that OpenSSL's callbacks know.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
public import Sockets

/// The channel below a TLS stream as OpenSSL sees it, and what OpenSSL asks of the stream. Its only
/// subclass is `TLSStream`: a separate object would be one more per session.
@safe
public class TLSTransport {
    // In the order of use, since a message should touch few cache lines.

    public final let channel: Channel
    /// The errno of the channel's last call that failed or would have blocked.
    final var error: Int32 = 0
    /// The channel has ended.
    final var hasEnded = false

    /// What is collected of a server's handshake, to be set before it begins, in a context whose
    /// options say `provesHandshakes`; nil for nothing.
    public final var transcript: HandshakeTranscript?

    /// What is known of a client's hello; nil once that is over, and for a client.
    final var gauge: Gauge?
    /// A hello exceeds the limit: OpenSSL has seen nothing that makes it allocate memory.
    final var isHelloTooLong = false
    /// The reader takes more than a record at once.
    final var takesMany = false
    /// The last receive had so much that more is likely to come.
    private final var hasMore = false
    /// The server has asked this client for a certificate.
    final var isAsked = false
    /// Records that OpenSSL has not taken yet; nil until several come at once.
    final var arrived: ArrivedRecords?
    /// Records that leave together; nil until several do.
    final var departing: DepartingRecords?

    /// A separate piece of memory, which a session frees after its handshake.
    final class Gauge {
        fileprivate var gauge = HelloGauge()
    }

    init(over channel: Channel) {
        self.channel = channel
    }

    /// The stream of a connection; nil for a connection without one.
    static func of(_ ssl: OpaquePointer) -> TLSTransport? {
        guard let bio = unsafe SSL_get_rbio(ssl), unsafe BIO_method_type(bio) == kindOfBIO else {
            return nil
        }
        return unsafe BIO_get_data(bio).map {
            unsafe Unmanaged.fromOpaque($0).takeUnretainedValue()
        }
    }

    /// OpenSSL's hook for the verification of a peer's certificate: 1 if it is accepted.
    static func verify(_ store: OpaquePointer) -> Int32 {
        let index = parley_SSL_verify_ex_data_index()
        guard let ssl = unsafe X509_STORE_CTX_get_ex_data(store, index),
            let transport = unsafe of(OpaquePointer(ssl))
        else { return 0 }
        return unsafe transport.verify(store)
    }

    /// Has OpenSSL tell clients when a server asks for this context's certificate.
    static func noteWhetherAsked(in context: OpaquePointer) {
        unsafe SSL_CTX_set_cert_cb(
            context,
            { ssl, _ in
                if let ssl = unsafe ssl { unsafe TLSTransport.of(ssl)?.isAsked = true }
                return 1
            }, nil)
    }

    /// For the subclass: verifies the peer's certificate.
    func verify(_ store: OpaquePointer) -> Int32 { 0 }

    /// For the subclass: where the connection's secrets go.
    var keyLog: KeyLog? { nil }

    /// The type of a BIO whose data is a transport.
    static let kindOfBIO = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK

    final func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if let count = unsafe arrived?.take(into: buffer) { return count }
        let count =
            unsafe takesMany && hasMore
            ? receiveMany(into: buffer) : channel.receive(into: buffer)
        if count == 0 { hasEnded = true }
        if count < 0 { error = Int32(-count) }
        if count > 0 { hasMore = count >= EventLoop.recordPayload }
        let taken = min(count, buffer.count)
        guard taken > 0, let gauge else { return taken }
        switch unsafe gauge.gauge.note(UnsafeRawBufferPointer(rebasing: buffer[..<taken])) {
        case .goesOn: return taken
        case .isDone:
            self.gauge = nil
            return taken
        case .isTooLong:
            isHelloTooLong = true
            return -1
        }
    }

    /// - Returns: how much came, of which `buffer` may hold only the beginning.
    private final func receiveMany(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let more = TransferBuffer(of: channel.loop)
        let count = unsafe channel.receive(
            into: buffer, then: UnsafeMutableRawBufferPointer(more.bytes))
        if count > buffer.count {
            if arrived == nil { arrived = ArrivedRecords() }
            arrived!.keep(more, count - buffer.count)
        }
        return count
    }

    final func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        if let departing, departing.isGathering {
            count = unsafe departing.add(bytes) ? bytes.count : Channel.wouldBlock
        } else {
            // What was written earlier leaves first.
            count = sendDeparting()
            if count == 0 { count = unsafe channel.send(bytes) }
        }
        if count < 0 { error = Int32(-count) }
        return count
    }

    /// Sends records that wait to leave: 0 if none is left, below zero an errno.
    final func sendDeparting() -> Int {
        guard let departing else { return 0 }
        let result = departing.send(over: channel)
        if result < 0 { error = Int32(-result) }
        return result
    }
}
