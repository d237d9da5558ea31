// Addresses as people read them and as the kernel does.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Sockets

@Suite(.timeLimit(.minutes(1)))
struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1:80"),
        ("0.0.0.0", "0.0.0.0", "0.0.0.0:80"),
        ("255.255.255.255", "255.255.255.255", "255.255.255.255:80"),
        ("::", "::", "[::]:80"),
        ("::1", "::1", "[::1]:80"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1", "[2001:db8::1]:80"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:80"),
        ("::ffff:c000:201", "::ffff:192.0.2.1", "192.0.2.1:80"),
        ("64:ff9b::192.0.2.1", "64:ff9b::c000:201", "[64:ff9b::c000:201]:80"),
    ])
    func description_isWhatPeopleWrite(text: String, host: String, description: String) throws {
        let address = try address(text, 80)
        #expect(address.host == host)
        #expect(address.description == description)
        #expect(address.family == (text.contains(":") ? .ipv6 : .ipv4))
    }

    @Test(arguments: ["127.0.0.1", "1.2.3.4", "::", "2001:db8:1:2:3:4:5:6", "::ffff:192.0.2.1"])
    func address_isTheSame_afterTheKernelsForm(text: String) throws {
        let address = try address(text, 4_433)
        #expect(SocketAddress(storage(of: address)) == address)
    }

    @Test func flowAndScope_areTheSame_afterTheKernelsForm() throws {
        let address = SocketAddress(linkLocal(flow: 0x12345, scope: 7))
        #expect(address?.flowInfo == 0x12345)
        #expect(address?.scope == 7)
        #expect(address.map(storage).map { SocketAddress($0) } == address)
    }

    @Test func addresses_areEqual_onlyInAllTheirParts() throws {
        let address = try #require(SocketAddress(linkLocal(flow: 1, scope: 2)))
        #expect(address == SocketAddress(linkLocal(flow: 1, scope: 2)))
        #expect(address.hashValue == SocketAddress(linkLocal(flow: 1, scope: 2))?.hashValue)
        #expect(address != SocketAddress(linkLocal(flow: 2, scope: 2)))
        #expect(address != SocketAddress(linkLocal(flow: 1, scope: 1)))
        #expect(address != address.with(port: address.port &+ 1))
        #expect(try self.address("0.0.0.0") != self.address("::"))
        #expect(try self.address("::1") != self.address("::2"))
        #expect(try self.address("1::") != self.address("2::"))
    }

    @Test func with_changesThePortOnly() throws {
        let address = try #require(SocketAddress(linkLocal(flow: 1, scope: 2)))
        let other = address.with(port: 65_535)
        #expect(other.port == 65_535)
        #expect(other.with(port: address.port) == address)
    }

    @Test func otherFamilies_areNoAddress() {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(AF_UNIX)
        #expect(SocketAddress(storage) == nil)
        storage.ss_family = sa_family_t(AF_UNSPEC)
        #expect(SocketAddress(storage) == nil)
    }

    private func address(_ host: String, _ port: UInt16 = 0) throws -> SocketAddress {
        try #require(try Endpoint(host: host, port: port).localAddresses().first)
    }

    private func storage(of address: SocketAddress) -> sockaddr_storage {
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) { room in
            unsafe address.withSockaddr { pointer, length in
                unsafe room.copyMemory(
                    from: UnsafeRawBufferPointer(start: pointer, count: Int(length)))
            }
        }
        return storage
    }

    private func linkLocal(flow: UInt32, scope: UInt32) -> sockaddr_storage {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = UInt16(4_433).bigEndian
        address.sin6_flowinfo = flow.bigEndian
        address.sin6_scope_id = scope
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) { room in
            unsafe withUnsafeBytes(of: address) { unsafe room.copyMemory(from: $0) }
        }
        return storage
    }
}
