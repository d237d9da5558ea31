// A journal of a test's own.
// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import System
import Testing

@testable import Records

/// A socket that takes entries as systemd's journal does; whoever reads them is the test. Used by one test alone.
final class Journal {
    let path: String
    let folder: Folder
    private var socket: Int32 = -1

    /// An entry as it came.
    struct Entry {
        /// Each field has one value.
        var fields: [String: [UInt8]] = [:]
        /// Nil for a datagram.
        var seals: Int32?

        subscript(name: String) -> String? {
            fields[name].map { String(decoding: $0, as: UTF8.self) }
        }
    }

    init() throws {
        signal(SIGPIPE, SIG_IGN)
        folder = try Folder()
        path = folder["journal"]
        try begin()
    }

    deinit { close(socket) }

    /// The place of a trail that is sent here.
    var place: AuditPlace { .journal(path) }

    /// Takes entries, under the name that it always has.
    func begin() throws {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let address = try #require(LocalAddress(Array(path.utf8)))
        try #require(address.bind(socket) == 0)
    }

    /// Is gone, with what it has not read.
    func end() {
        close(socket)
        socket = -1
        unsafe unlink(path)
    }

    /// The next entry; nil where there is none now.
    func read() throws -> Entry? {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        var numbers = [Int32](repeating: -1, count: Int(PARLEY_PACKET_DESCRIPTORS))
        var count: Int32 = 0
        let size = unsafe parley_receive_packet(socket, &bytes, bytes.count, &numbers, &count, 0)
        if size == Int(-EAGAIN) { return nil }
        try #require(size >= 0)
        guard count > 0 else { return try Self.entry(bytes[..<Int(size)]) }
        let file = Descriptor(owning: numbers[0])
        // Others are not taken by a journal.
        #expect(size == 0 && count == 1)
        _ = lseek(file.number, 0, SEEK_SET)
        var entry = try Self.entry(file.contents()[...])
        entry.seals = fcntl(file.number, Self.getSeals)
        return entry
    }

    /// So many entries, as soon as they have come.
    func read(_ count: Int) throws -> [Entry] {
        var entries: [Entry] = []
        try eventually("\(count) entries have come") {
            while entries.count < count, let entry = try read() { entries.append(entry) }
            return entries.count == count
        }
        return entries
    }

    /// As the protocol has it: `NAME=value` and a line's end, or `NAME`, a line's end, eight bytes of length, the value and a line's end.
    private static func entry(_ bytes: ArraySlice<UInt8>) throws -> Entry {
        var entry = Entry()
        var rest = bytes
        while !rest.isEmpty {
            let end = try #require(rest.firstIndex { $0 == UInt8(ascii: "=") || $0 == 0x0A })
            let name = String(decoding: rest[..<end], as: UTF8.self)
            // As journald takes it from anybody.
            #expect(name.wholeMatch(of: #/[A-Z][A-Z0-9_]{0,63}/#) != nil, "\(name)")
            let value: ArraySlice<UInt8>
            if rest[end] == 0x0A {
                let length = rest[(end + 1)...].prefix(8)
                let count = length.reversed().reduce(0) { $0 << 8 | Int($1) }
                try #require(length.count == 8 && rest.endIndex - end > 9 + count)
                value = rest[(end + 9)...].prefix(count)
            } else {
                value = rest[(end + 1)...].prefix { $0 != 0x0A }
            }
            try #require(value.endIndex < rest.endIndex && rest[value.endIndex] == 0x0A)
            #expect(entry.fields[name] == nil, "\(name) twice")
            entry.fields[name] = Array(value)
            rest = rest[(value.endIndex + 1)...]
        }
        return entry
    }

    /// F_GET_SEALS, which Swift's Glibc lacks.
    private static let getSeals: Int32 = 1_034
}
