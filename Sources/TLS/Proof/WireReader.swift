// Numbers and vectors in TLS's encoding.
// SPDX-License-Identifier: Apache-2.0

/// Reads the presentation language of RFC 8446, section 3, from a message's body. It copies nothing
/// and, whatever the bytes are, throws but never traps.
struct WireReader {
    let kind: HandshakeKind
    private(set) var rest: ArraySlice<UInt8>

    /// - Parameter kind: the message that the bytes are from, for the refusal.
    init(_ rest: ArraySlice<UInt8>, of kind: HandshakeKind) {
        self.kind = kind
        self.rest = rest
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func bytes(_ count: Int) throws(ProofRefusal) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .malformed(kind) }
        // `prefix` and `dropFirst` compute their ends again, which takes as long as all the rest.
        let end = rest.startIndex + count
        let taken = rest[rest.startIndex..<end]
        rest = rest[end...]
        return taken
    }

    /// A number of one to three bytes.
    mutating func number(_ size: Int) throws(ProofRefusal) -> Int {
        guard size <= rest.count else { throw .malformed(kind) }
        let end = rest.startIndex + size
        var number = 0
        for place in rest.startIndex..<end { number = number << 8 | Int(rest[place]) }
        rest = rest[end...]
        return number
    }

    /// A vector after its length of `size` bytes, of an allowed length.
    mutating func vector(_ size: Int, _ allowed: ClosedRange<Int>) throws(ProofRefusal)
        -> WireReader
    {
        let count = try number(size)
        guard allowed.contains(count) else { throw .malformed(kind) }
        return WireReader(try bytes(count), of: kind)
    }

    /// The extensions to the end of the body, by type (section 4.2), each once.
    mutating func extensions() throws(ProofRefusal) -> WireExtensions {
        var list = try vector(2, 0...0xffff)
        try end()
        return try list.entries()
    }

    /// What is left, as extensions.
    mutating func entries() throws(ProofRefusal) -> WireExtensions {
        var found = WireExtensions()
        while !isAtEnd {
            let type = try number(2)
            let content = try vector(2, 0...0xffff).rest
            guard found.add(content, of: type) else { throw .malformed(kind) }
        }
        return found
    }

    /// Checks what is left as `entries` does.
    mutating func checkEntries() throws(ProofRefusal) {
        var types = WireExtensions.Types()
        while !isAtEnd {
            let type = try number(2)
            try skip(try number(2))
            guard types.insert(type) else { throw .malformed(kind) }
        }
    }

    private mutating func skip(_ count: Int) throws(ProofRefusal) {
        guard count <= rest.count else { throw .malformed(kind) }
        rest = rest[(rest.startIndex + count)...]
    }

    func end() throws(ProofRefusal) {
        guard isAtEnd else { throw .malformed(kind) }
    }
}
