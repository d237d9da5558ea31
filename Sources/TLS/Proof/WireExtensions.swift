// The extensions of a handshake message.
// SPDX-License-Identifier: Apache-2.0

/// A message's extensions (RFC 8446, section 4.2) by type, each once. Today's messages have about twelve, most with
/// types below 64, which a bit mask can distinguish; a dictionary took half as long as a signature.
struct WireExtensions {
    private var entries: [(type: Int, content: ArraySlice<UInt8>)] = []
    private var low: UInt64 = 0
    private var high: Set<Int> = []

    /// - Returns: false for a duplicate.
    mutating func add(_ content: ArraySlice<UInt8>, of type: Int) -> Bool {
        if type < UInt64.bitWidth {
            let bit: UInt64 = 1 << UInt64(type)
            guard low & bit == 0 else { return false }
            low |= bit
        } else if !high.insert(type).inserted {
            return false
        }
        if entries.isEmpty { entries.reserveCapacity(16) }
        entries.append((type, content))
        return true
    }

    subscript(type: Int) -> ArraySlice<UInt8>? { entries.first { $0.type == type }?.content }
}
