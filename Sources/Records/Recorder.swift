// What is recorded of one session.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Who a session is with, as each of its records says.
package struct RecordedPeer: Sendable {
    package let identity: String
    package let names: [String]
    package let key: String
    package let serial: String

    package init(identity: String, names: [String], key: String, serial: String) {
        self.identity = identity
        self.names = names
        self.key = key
        self.serial = serial
    }
}

/// The session's number, address and identity, and the file that they are written to. Confined to
/// the session's loop.
package final class Recorder {
    private let file: AuditFile
    private let lost: (String) -> Void
    private var fields = JSONLine()
    /// Records of this second that a client can cause in any number, and those that were left out
    /// since one was written last.
    private var second = 0
    private var often = 0
    private var omitted = 0

    /// - Parameters:
    ///   - number: the session's, of all loops.
    ///   - peer: nil for a client without a certificate.
    ///   - lost: called with what the system says where a record can't be written and the one before it
    ///     could.
    package init(
        _ file: AuditFile, session number: Int, address: String, peer: RecordedPeer?,
        lost: @escaping (String) -> Void
    ) {
        self.file = file
        self.lost = lost
        fields.add("session", number)
        fields.add("address", address)
        guard let peer else { return }
        fields.add("identity", peer.identity)
        fields.add("names", peer.names)
        fields.add("key", peer.key)
        fields.add("serial", peer.serial)
    }

    /// Begins a record.
    package func record(_ event: String) -> JSONLine {
        var record = JSONLine(event: event)
        record.add(fields)
        if omitted > 0 { record.add("omitted_before", omitted) }
        omitted = 0
        return record
    }

    /// Records what a client can cause in any number: so many a second, and how many there were beside
    /// them. Otherwise one client could fill the disk, and nobody could run anything any more.
    package func writeOften(_ event: String, _ build: (inout JSONLine) -> Void) {
        let now = time(nil)
        if now != second { (second, often) = (now, 0) }
        often += 1
        guard often <= Self.mostASecond else {
            omitted += 1
            return
        }
        var record = record(event)
        build(&record)
        write(record)
    }

    /// - Parameter isDurable: waits for the disk where that was asked for.
    /// - Returns: false where it can't be kept.
    @discardableResult
    package func write(_ record: JSONLine, isDurable: Bool = false) -> Bool {
        guard let loss = file.write(record, isDurable: isDurable) else { return true }
        if loss.isFirst { lost(loss.reason) }
        return false
    }

    private static let mostASecond = 100
}
