// Reading the records of a transfer.
// SPDX-License-Identifier: Apache-2.0
public import Sockets

extension TLSStream {
    public func attemptReadMany(
        into output: inout OutputSpan<UInt8>
    ) throws(StreamError) -> Attempt {
        takesMany = true
        defer { takesMany = false }
        return try attemptReads(into: &output)
    }
}
