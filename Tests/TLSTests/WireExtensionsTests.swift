// The extensions of a handshake message, by type.
// SPDX-License-Identifier: Apache-2.0
internal import Testing

@testable internal import TLS

@Suite struct WireExtensionsTests {
    private static let types = [0, 1, 16, 43, 63, 64, 65, 127, 128, 0x0a0a, 0xff01, 0xff50, 0xffff]

    private func bytes(_ types: [Int]) -> [UInt8] {
        types.flatMap { type in
            [type >> 8, type, 0, 1, type].map { UInt8(truncatingIfNeeded: $0) }
        }
    }

    private func read(_ types: [Int]) throws(ProofRefusal) -> WireExtensions {
        var reader = WireReader(bytes(types)[...], of: .clientHello)
        return try reader.entries()
    }

    @Test func each_isFoundByItsType() throws {
        let extensions = try read(Self.types)
        for type in Self.types {
            #expect(extensions[type].map(Array.init) == [UInt8(truncatingIfNeeded: type)])
        }
        for type in [2, 44, 62, 66, 0x0a0b, 0xff51] { #expect(extensions[type] == nil) }
        #expect(try read([])[0] == nil)
    }

    @Test(arguments: types)
    func oneThatComesTwice_isRefused(_ type: Int) {
        #expect(throws: ProofRefusal.malformed(.clientHello)) { try read(Self.types + [type]) }
        #expect(throws: ProofRefusal.malformed(.clientHello)) { try read([type, type]) }
    }

    /// As many as a ClientHello of the longest can have.
    @Test func many_takeNoLongerThanTheyAre() throws {
        #expect(try read(Array(0..<4_096))[4_095] != nil)
    }
}
