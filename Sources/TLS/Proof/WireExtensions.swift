// The extensions of a handshake message.
// SPDX-License-Identifier: Apache-2.0

/// A message's extensions (RFC 8446, section 4.2) by type, each once. Today's messages have about twelve, most with
/// types below 64, which a bit mask can distinguish; a dictionary took half as long as a signature.
struct WireExtensions {
    private var entries: [(type: Int, content: ArraySlice<UInt8>)] = []
    private var types = Types()

    /// Which types a message has had so far.
    struct Types {
        private var low: UInt64 = 0
        private var high: Set<Int> = []

        /// - Returns: false for a duplicate.
        mutating func insert(_ type: Int) -> Bool {
            guard type < UInt64.bitWidth else { return high.insert(type).inserted }
            let bit: UInt64 = 1 << UInt64(type)
            defer { low |= bit }
            return low & bit == 0
        }
    }

    /// - Returns: false for a duplicate.
    mutating func add(_ content: ArraySlice<UInt8>, of type: Int) -> Bool {
        guard types.insert(type) else { return false }
        if entries.isEmpty { entries.reserveCapacity(16) }
        entries.append((type, content))
        return true
    }

    subscript(type: Int) -> ArraySlice<UInt8>? { entries.first { $0.type == type }?.content }
}
