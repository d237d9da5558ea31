// What is recorded of one session.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Glibc
internal import Records
internal import Remote
internal import Sockets
internal import TLS

/// The session's number, address and identity, and the trail that they are written to. Confined to
/// the session's loop.
final class SessionTrail {
    private let audit: Audit
    private let log: Log
    private var fields = JSONLine()
    /// Records of this second that a client can cause in any number, and those that were left out
    /// since one was written last.
    private var second = 0
    private var often = 0
    private var omitted = 0

    init(
        _ audit: Audit, log: Log, number: Int, address: String, identity: PeerIdentity?
    ) {
        self.audit = audit
        self.log = log
        fields.add("session", number)
        fields.add("address", address)
        guard let identity else { return }
        let names = Identity(identity)
        fields.add("identity", names.description)
        fields.add("names", names.names)
        fields.add("key", names.key)
        fields.add("serial", identity.serial)
    }

    func record(_ event: String) -> JSONLine {
        var record = JSONLine(event: event)
        record.add(fields)
        if omitted > 0 { record.add("omitted_before", omitted) }
        omitted = 0
        return record
    }

    /// Records what a client can cause in any number: so many a second, and how many there were beside
    /// them. Otherwise one client could fill the disk, and nobody could run anything any more.
    func writeOften(_ event: String, _ build: (inout JSONLine) -> Void) {
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

    /// - Returns: false where it can't be kept.
    @discardableResult
    func write(_ record: JSONLine, isDurable: Bool = false) -> Bool {
        audit.write(record, isDurable: isDurable, log: log)
    }

    /// Records a message that was answered, or that is no command.
    func noteMessage(_ message: Span<UInt8>, isKnown: Bool) {
        writeOften(isKnown ? "reply" : "refusal") { record in
            let text = unsafe message.withUnsafeBufferPointer {
                unsafe String(decoding: $0, as: UTF8.self)
            }
            record.add("name", text)
            if !isKnown { record.add("code", String(describing: Refusal.Code.unknownCommand)) }
        }
    }

    private static let mostASecond = 100
}
