// What strangers may use, as set by options.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Glibc
internal import Sockets

/// The limits that apply before a client has shown who it is, and the addresses that have none.
struct StrangerLimits: Sendable, Equatable {
    /// Connections without a finished handshake.
    let maxHandshakes: Int
    /// The same from one address.
    let maxPerAddress: Int
    /// Failed handshakes per second from one address.
    let failuresASecond: Int
    /// Exempt from limits by address.
    let trusted: [AddressRange]
    /// Those that must say whose connections they forward; nobody else may.
    let balancers: [AddressRange]

    static let options = [
        "max-handshakes", "max-handshakes-per-address", "max-failed-handshakes", "trusted-address",
        "proxy-from",
    ]

    init(_ arguments: Arguments, maxSessions: Int) throws(UsageError) {
        // Each holds a descriptor: a quarter of those is enough as well.
        let descriptors = Self.descriptors
        maxHandshakes =
            try arguments.number("max-handshakes", 1...1_000_000)
            ?? min(max(Self.fewest, maxSessions / 4), max(1, descriptors / 4), 1_000_000)
        maxPerAddress = try arguments.number("max-handshakes-per-address", 1...1_000_000) ?? 100
        failuresASecond = try arguments.number("max-failed-handshakes", 1...100_000) ?? 20
        trusted = try Self.ranges("trusted-address", arguments)
        balancers = try Self.ranges("proxy-from", arguments)
    }

    /// With fewer places, a handful of strangers would make each client give way within its own handshake.
    private static let fewest = 128

    private static func ranges(
        _ option: String, _ arguments: Arguments
    ) throws(UsageError) -> [AddressRange] {
        var ranges: [AddressRange] = []
        for text in arguments.all(option) {
            do throws(AddressRange.Mistake) {
                ranges.append(try AddressRange(text))
            } catch {
                throw UsageError("--\(option): \(escaped(text)) \(error)")
            }
        }
        guard ranges.count <= maxRanges else {
            throw UsageError("--\(option) may be given at most \(maxRanges) times")
        }
        return ranges
    }

    /// How many failures may come at once.
    var failuresAtOnce: Int { failuresASecond * 5 }

    /// How many addresses are known at most; those with waiting connections are among them.
    var maxKnown: Int { maxHandshakes + 8_192 }

    /// Who an address is for the limits.
    func who(_ address: SocketAddress) -> Stranger {
        Stranger(
            neighbourhood: Neighbourhood(of: address),
            isExempt: trusted.contains { $0.contains(address) } || isBalancer(address))
    }

    func isBalancer(_ address: SocketAddress) -> Bool {
        balancers.contains { $0.contains(address) }
    }

    /// What is in force, as sentences.
    var sentences: [String] {
        var lines = [
            "\(maxHandshakes) connections without a finished handshake (--max-handshakes), at most \(maxPerAddress) of them from one address or IPv6 /64 (--max-handshakes-per-address)",
            "\(failuresASecond) failed handshakes per second from one address, in bursts of up to \(failuresAtOnce) (--max-failed-handshakes)",
        ]
        if !trusted.isEmpty {
            lines.append("none per address for \(Self.list(trusted)) (--trusted-address)")
        }
        if !balancers.isEmpty {
            lines.append(
                "per address that \(Self.list(balancers)) reports for its client (--proxy-from)")
        }
        return lines
    }

    private static func list(_ ranges: [AddressRange]) -> String {
        ranges.map(\.description).joined(separator: ", ")
    }

    /// As many as the hard limit allows this process.
    private static var descriptors: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .max
        }
        return Int(clamping: limit.rlim_max)
    }

    private static let maxRanges = 64

    // MARK: On its way to the network process

    init(reading reader: inout PacketReader) throws(PacketError) {
        maxHandshakes = Int(try reader.readUInt32())
        maxPerAddress = Int(try reader.readUInt32())
        failuresASecond = Int(try reader.readUInt32())
        trusted = try Self.ranges(reading: &reader)
        balancers = try Self.ranges(reading: &reader)
    }

    private static func ranges(
        reading reader: inout PacketReader
    ) throws(PacketError) -> [AddressRange] {
        try reader.list(atMost: maxRanges) { (reader) throws(PacketError) in
            let (high, low) = (try reader.readUInt64(), try reader.readUInt64())
            let length = Int(try reader.readUInt8())
            guard length <= 128 else { throw reader.malformed("has a prefix of \(length) bits") }
            return AddressRange(high: high, low: low, length: length)
        }
    }

    func write(to writer: inout PacketWriter) {
        writer.add(UInt32(maxHandshakes))
        writer.add(UInt32(maxPerAddress))
        writer.add(UInt32(failuresASecond))
        for ranges in [trusted, balancers] {
            writer.add(list: ranges) {
                $0.add($1.high)
                $0.add($1.low)
                $0.add(UInt8($1.length))
            }
        }
    }
}
