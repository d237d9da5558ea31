// A record in the form that systemd's journal accepts.
// SPDX-License-Identifier: Apache-2.0

/// An entry in the journal's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL). It is made from the record's line, so
/// that it can't say anything else: each field of the line is one of the entry's, besides those that the journal's own tools
/// look for.
struct JournalEntry {
    private(set) var bytes: [UInt8] = []

    init(_ line: JSONLine) {
        bytes.reserveCapacity(2 * line.count + 256)
        let fields = line.fields
        let said = RecordSentence(fields)
        add("MESSAGE", said.text)
        add("PRIORITY", said.priority)
        add("SYSLOG_IDENTIFIER", "parleyd")
        if let event = said.event { add("MESSAGE_ID", event.messageID) }
        for field in fields { add(Self.prefix + field.name.uppercased(), field.text) }
    }

    private mutating func add(_ name: String, _ value: String) {
        bytes += name.utf8
        if value.utf8.allSatisfy({ $0 >= 0x20 }) {
            bytes.append(UInt8(ascii: "="))
        } else {
            // With its length, since a line feed would end it otherwise.
            bytes.append(newline)
            let count = UInt64(value.utf8.count)
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        bytes += value.utf8
        bytes.append(newline)
    }

    private static let prefix = "PARLEY_"
}

extension Record.Event {
    /// Identifies the event in the journal, as in `docs/audit.md`. Never changed, since people search for it.
    var messageID: String {
        switch self {
        case .sessionStart: "f43dacb6626c43b3a9f0f0e51a2cd35a"
        case .commandStart: "a68150f58aeb4fdb9914183d06d56f69"
        case .commandEnd: "f826a1c0607f40b487fc6b5d0e24e65d"
        case .commandGone: "2f83b974e0f643769a3dcdcc1e620464"
        case .reply: "16bbf12b868042568d0814c311bd4429"
        case .refusal: "8c095f9ce31a4d47ae5025fbc5f6f6d6"
        case .handshakeFailure: "0e48a3d063cc4e19a531366e61011228"
        case .sessionEnd: "e5515e188a7a443ca95b002e0af3d491"
        case .reload: "392106c2f3354bc3b790e9c0f548a771"
        case .omission: "a97d9025a52b4c15a7e5d93d7a564623"
        }
    }
}

private let newline = UInt8(ascii: "\n")
