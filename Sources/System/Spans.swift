// Borrowed bytes, copied into values that last.
// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// A copy of bytes that are borrowed for a call.
    package init(_ bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// Appends a copy of bytes that are borrowed for a call.
    package mutating func append(contentsOf bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    /// Moves bytes from the beginning to `output`, as many as there is room for.
    package mutating func move(into output: inout OutputSpan<UInt8>) {
        guard !isEmpty else { return }
        let count = Swift.min(count, output.freeCapacity)
        output.append(contentsOf: span.extracting(first: count))
        removeFirst(count)
    }
}

extension OutputSpan<UInt8> {
    /// Appends a copy of bytes, for which there must be room. They are copied in one go: byte by
    /// byte a short reply would cost a tenth more.
    package mutating func append(contentsOf bytes: Span<UInt8>) {
        precondition(bytes.count <= freeCapacity)
        unsafe bytes.withUnsafeBufferPointer { source in
            unsafe withUnsafeMutableBufferPointer { room, filled in
                filled = unsafe room[filled...].initialize(fromContentsOf: source)
            }
        }
    }
}

extension String {
    /// Text that is borrowed for a call; anything in it that is not UTF-8 becomes U+FFFD.
    package init(repairing bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer {
            unsafe String(decoding: $0, as: UTF8.self)
        }
    }
}
