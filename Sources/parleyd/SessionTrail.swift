// What is recorded of one session.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Sockets
internal import TLS

/// The session's number, address and identity, and the trail that they are written to.
struct SessionTrail {
    private let audit: Audit?
    private let log: Log
    private let fields: AuditFields

    init(
        _ audit: Audit?, log: Log, number: Int, address: String, identity: PeerIdentity?
    ) {
        self.audit = audit
        self.log = log
        guard audit != nil else {
            fields = AuditFields { _ in }
            return
        }
        fields = AuditFields { record in
            record.add("session", number)
            record.add("address", address)
            guard let identity else { return }
            record.add("identity", identity.description)
            record.add("names", identity.names.map(\.description))
            record.add("key", Identity(identity).key)
            record.add("serial", identity.serial)
        }
    }

    /// Itself, where records are kept at all.
    var audited: SessionTrail? { audit == nil ? nil : self }

    func record(_ event: StaticString) -> AuditRecord {
        var record = AuditRecord(event)
        record.add(fields)
        return record
    }

    /// - Returns: why the record could not be written.
    func write(_ record: AuditRecord) -> String? { audit?.write(record) }

    /// Writes what has happened already, and can't be taken back where it can't be written.
    func writeOrLog(_ record: AuditRecord) {
        guard let failure = audit?.write(record) else { return }
        log.write("an audit record was lost: \(failure); make room where --audit writes")
    }
}
