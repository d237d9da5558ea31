// Connects OpenSSL to a channel.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets

/// A BIO that reads and writes a transport's channel: one receive per record, and none after a
/// short one.
enum ChannelBIO {
    nonisolated(unsafe) static let method: OpaquePointer = {
        let method = unsafe BIO_meth_new(TLSTransport.kindOfBIO, "channel")!
        unsafe BIO_meth_set_read(method) { bio, buffer, count in
            unsafe parley_BIO_clear_retry_flags(bio)
            let room = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: Int(count))
            let result = unsafe transport(bio).receive(into: room)
            if result == Channel.wouldBlock { unsafe parley_BIO_set_retry_read(bio) }
            return Int32(max(result, -1))
        }
        unsafe BIO_meth_set_write(method) { bio, bytes, count in
            unsafe parley_BIO_clear_retry_flags(bio)
            let result = unsafe transport(bio).send(
                UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            if result == Channel.wouldBlock { unsafe parley_BIO_set_retry_write(bio) }
            return Int32(max(result, -1))
        }
        unsafe BIO_meth_set_ctrl(method) { bio, command, _, _ in
            switch command {
            case BIO_CTRL_FLUSH, BIO_CTRL_DUP: 1
            case BIO_CTRL_EOF: unsafe transport(bio).hasEnded ? 1 : 0
            default: 0
            }
        }
        return unsafe method
    }()

    private static func transport(_ bio: OpaquePointer?) -> TLSTransport {
        unsafe Unmanaged.fromOpaque(BIO_get_data(bio)!).takeUnretainedValue()
    }
}
