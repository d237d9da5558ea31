// Reading and writing several records at once.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
public import Sockets

extension TLSStream {
    public func attemptReadMany(
        into output: inout OutputSpan<UInt8>
    ) throws(StreamError) -> Attempt {
        takesMany = true
        defer { takesMany = false }
        return try attemptReads(into: &output)
    }

    /// Encrypts full records from the beginning of `bytes`, which the write that follows sends together
    /// with its own: at least a byte is left for that.
    ///
    /// - Returns: the number of bytes.
    func gather(_ bytes: Span<UInt8>) throws(StreamError) -> Int {
        guard bytes.count > Room.recordPayload else { return 0 }
        let batch = openBatch()
        var count = 0
        while bytes.count - count > Room.recordPayload, batch.hasRoom {
            let result = batch.gather(on: channel.loop) {
                unsafe bytes.extracting(droppingFirst: count).withUnsafeBufferPointer {
                    unsafe SSL_write(ssl, $0.baseAddress, Int32(Room.recordPayload))
                }
            }
            guard case .moved(let moved) = try outcome(of: result, "the write") else { break }
            count += moved
        }
        return count
    }
}
