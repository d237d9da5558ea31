// What a client asks for, read from its first record.
// SPDX-License-Identifier: Apache-2.0

/// A ClientHello (RFC 8446, section 4.1.2).
struct ClientHello {
    /// The types of RFC 8446, section 4.2, that the tests ask for.
    static let serverName: UInt16 = 0
    static let supportedGroups: UInt16 = 10
    static let signatureAlgorithms: UInt16 = 13
    static let applicationProtocols: UInt16 = 16
    static let sessionTicket: UInt16 = 35
    static let preSharedKey: UInt16 = 41
    static let earlyData: UInt16 = 42
    static let supportedVersions: UInt16 = 43
    static let keyShare: UInt16 = 51

    private(set) var random: [UInt8] = []
    private(set) var sessionID: [UInt8] = []
    private(set) var cipherSuites: [UInt16] = []
    private(set) var compressionMethods: [UInt8] = []
    private(set) var extensions: [UInt16: [UInt8]] = [:]

    /// nil if the bytes are not a complete ClientHello in one record.
    init?(_ bytes: [UInt8]) {
        guard let record = Record.records(in: bytes[...]).first,
            record.type == Record.handshake
        else { return nil }
        var reader = Reader(record.payload[...])
        guard reader.number(1) == 1, var body = reader.vector(3), body.number(2) == 0x0303,
            let random = body.bytes(32), let session = body.vector(1), var suites = body.vector(2),
            let methods = body.vector(1), var list = body.vector(2)
        else { return nil }
        self.random = Array(random)
        sessionID = Array(session.rest)
        compressionMethods = Array(methods.rest)
        while let suite = suites.number(2) { cipherSuites.append(UInt16(suite)) }
        while let type = list.number(2), let value = list.vector(2) {
            extensions[UInt16(type)] = Array(value.rest)
        }
    }

    /// The host name of the server_name extension (RFC 6066, section 3).
    var hostName: String? {
        guard let value = extensions[Self.serverName] else { return nil }
        var reader = Reader(value[...])
        guard var list = reader.vector(2), list.number(1) == 0, let name = list.vector(2) else {
            return nil
        }
        return String(decoding: name.rest, as: UTF8.self)
    }

    var supportedGroups: [UInt16] { numbers(in: Self.supportedGroups) }
    var signatures: [UInt16] { numbers(in: Self.signatureAlgorithms) }

    /// The groups of which it has shares (RFC 8446, section 4.2.8).
    var keyShares: [UInt16] {
        var reader = Reader((extensions[Self.keyShare] ?? [])[...])
        guard var list = reader.vector(2) else { return [] }
        var groups: [UInt16] = []
        while let group = list.number(2), list.vector(2) != nil { groups.append(UInt16(group)) }
        return groups
    }

    /// A vector of numbers of two bytes.
    private func numbers(in type: UInt16) -> [UInt16] {
        var reader = Reader((extensions[type] ?? [])[...])
        guard var list = reader.vector(2) else { return [] }
        var numbers: [UInt16] = []
        while let number = list.number(2) { numbers.append(UInt16(number)) }
        return numbers
    }
}

/// The presentation language's numbers and vectors (RFC 8446, section 3).
private struct Reader {
    var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func number(_ count: Int) -> Int? {
        bytes(count)?.reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func vector(_ count: Int) -> Reader? {
        number(count).flatMap { bytes($0) }.map { Reader($0) }
    }
}
