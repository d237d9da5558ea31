// Fuzzes endpoints and the names that a server must prove.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import TLS

@testable import Sockets

func fuzzEndpoint(_ bytes: [UInt8]) throws(Finding) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let endpoint = Endpoint(text, defaultPort: 12_345) {
        try check(endpoint)
    }
    if let name = try? ServerName(text) {
        try require(
            name.description.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
                && !name.description.isEmpty,
            "a server's name is printable")
        try require((try? ServerName(name.description)) == name, "a server's name is read again")
    }
}

private func check(_ endpoint: Endpoint) throws(Finding) {
    try require(
        !endpoint.host.isEmpty && endpoint.host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
            && endpoint.host.utf8.count <= 255, "a host is printable and not too long")
    for port in [1, 12_345] as [UInt16] {
        try require(
            Endpoint(endpoint.description, defaultPort: port) == endpoint,
            "an endpoint is read as it is written")
    }
    // Nothing is looked up: only numbers go on.
    var raw = in6_addr()
    guard
        unsafe inet_pton(AF_INET, endpoint.host, &raw) == 1
            || inet_pton(AF_INET6, endpoint.host, &raw) == 1
    else { return }
    guard let addresses = try? endpoint.localAddresses(), addresses.count == 1 else {
        throw Finding(description: "a number has one address")
    }
    let address = addresses[0]
    try require(address.port == endpoint.port, "an address has its endpoint's port")
    try require(
        try again(Endpoint(host: address.host, port: address.port)) == address,
        "an address is read as it is written")
    try require(
        Endpoint(address.description, defaultPort: 0)?.port == address.port,
        "an address in words is an endpoint")
    let kernels = unsafe address.withSockaddr { pointer, length in
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(length)))
        }
        return SocketAddress(storage)
    }
    try require(kernels == address, "an address comes back from the kernel")
}

private func again(_ endpoint: Endpoint) throws(Finding) -> SocketAddress {
    guard let address = try? endpoint.localAddresses().first else {
        throw Finding(description: "an address that was written is one")
    }
    return address
}
