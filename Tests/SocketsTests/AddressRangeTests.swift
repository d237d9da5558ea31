// Ranges of addresses, and whom limits take for one peer.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import System

@Suite struct AddressRangeTests {
    private static func address(_ text: String) throws -> SocketAddress {
        let bytes = try #require(NumericAddress.bytes(text))
        return try #require(SocketAddress(bytes, port: 7))
    }

    @Test(arguments: [
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"), ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("192.0.2.7/32", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
        ("::ffff:192.0.2.0/120", "192.0.2.1", "192.0.3.1"),
        ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"), ("128.0.0.0/1", "128.0.0.0", "127.0.0.1"),
        ("::/0", "2001:db8::1", "192.0.2.1"), ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ("2001:db8::/64", "2001:db8::ffff:0:0:1", "2001:db8:0:1::"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::2"), ("::/65", "::1", "::8000:0:0:0"),
        ("::1/128", "::1", "127.0.0.1"),
    ])
    func aRange_hasItsAddresses(_ text: String, _ inside: String, _ outside: String) throws {
        let range = try AddressRange(text)
        #expect(range.contains(try Self.address(inside)))
        #expect(!range.contains(try Self.address(outside)))
        #expect(try AddressRange(range.description) == range)
    }

    @Test(arguments: [
        "", "/", "/8", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8",
        "192.0.2.0/8/8",
        "192.0.2.1/24", "2001:db8::/129", "2001:db8::1/64", "192.0.2", "localhost", "[::1]",
        "::1%lo",
        "192.0.2.0 /24", "192.0.2.0/99999999999999999999", "192.0.2.0\0/24",
    ])
    func whatNamesNone_isRefused(_ text: String) {
        #expect(throws: AddressRange.Mistake.self) { try AddressRange(text) }
    }

    @Test func bitsBeyondThePrefix_areTold() {
        do throws(AddressRange.Mistake) {
            _ = try AddressRange("10.1.2.3/8")
            Issue.record("it is taken")
        } catch {
            #expect(error.description.contains("10.0.0.0/8"))
        }
    }

    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("::1", "::/64"),
        ("0:ffff:c000:207::1", "0:ffff:c000:207::/64"),
    ])
    func aNeighbourhood_isWhatOnePeerHas(_ text: String, _ expected: String) throws {
        #expect(Neighbourhood(of: try Self.address(text)).description == expected)
    }

    @Test func neighbours_areEqual_andOthersAreNot() throws {
        func neighbourhood(_ text: String) throws -> Neighbourhood {
            Neighbourhood(of: try Self.address(text))
        }
        #expect(try neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1"))
        #expect(try neighbourhood("2001:db8::1") != neighbourhood("2001:db8:0:1::1"))
        #expect(try neighbourhood("192.0.2.7") == neighbourhood("::ffff:192.0.2.7"))
        // The same bits.
        #expect(try neighbourhood("0.0.0.1") != neighbourhood("0:0:0:1::"))
    }

    @Test(arguments: ["192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7"])
    func anAddress_isMadeOfItsBytes(_ text: String) throws {
        let made = try Self.address(text)
        let found = try Endpoint(host: text, port: 7).localAddresses()
        #expect(found == [made])
        #expect(SocketAddress([1, 2, 3], port: 1) == nil)
    }
}
