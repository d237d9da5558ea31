// Bytes that were lent, as values that stay.
// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// A copy of bytes that are lent for a call.
    package init(_ bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// Adds a copy of bytes that are lent for a call.
    package mutating func append(contentsOf bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}

extension String {
    /// Text that is lent for a call; what is not UTF-8 in it becomes U+FFFD.
    package init(repairing bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer {
            unsafe String(decoding: $0, as: UTF8.self)
        }
    }
}
