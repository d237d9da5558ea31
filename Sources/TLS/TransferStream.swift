// Reading and writing the records of a transfer.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
public import Sockets
public import System

extension TLSStream {
    public func attemptReadMany(
        into output: inout OutputSpan<UInt8>
    ) throws(StreamError) -> Attempt {
        takesMany = true
        defer { takesMany = false }
        return try attemptReads(into: &output)
    }

    public func attemptWriteMany(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt {
        guard try attemptFlush() else { return .blocked(.write) }
        guard bytes.count > EventLoop.recordPayload else { return try attemptWrite(bytes) }
        ErrorQueue.assertEmpty()
        let departing = self.departing ?? DepartingRecords()
        self.departing = departing
        departing.gather(on: channel.loop)
        var written = 0
        var result: Int32 = 1
        while result > 0, written < bytes.count, departing.hasRoom {
            result = unsafe bytes.extracting(droppingFirst: written).withUnsafeBufferPointer {
                unsafe SSL_write(ssl, $0.baseAddress, Int32($0.count))
            }
            written += max(0, Int(result))
        }
        let sent = sendDeparting()
        if result <= 0 {
            let attempt = try outcome(of: result, "the write")
            if written == 0 { return attempt }
        }
        _ = try isFlushed(sent)
        return .moved(written)
    }

    public func attemptFlush() throws(StreamError) -> Bool {
        if let failure { throw failure }
        return try isFlushed(sendDeparting())
    }

    private func isFlushed(_ sent: Int) throws(StreamError) -> Bool {
        if sent < 0, sent != Channel.wouldBlock { throw broken("the write") }
        return sent == 0
    }
}
