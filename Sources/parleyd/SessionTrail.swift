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
    private var fields = JSONLine()

    init(
        _ audit: Audit?, log: Log, number: Int, address: String, identity: PeerIdentity?
    ) {
        self.audit = audit
        self.log = log
        guard audit != nil else { return }
        fields.add("session", number)
        fields.add("address", address)
        guard let identity else { return }
        let names = Identity(identity)
        fields.add("identity", names.description)
        fields.add("names", names.names)
        fields.add("key", names.key)
        fields.add("serial", identity.serial)
    }

    /// Itself, where records are kept at all.
    var audited: SessionTrail? { audit == nil ? nil : self }

    func record(_ event: String) -> JSONLine {
        var record = JSONLine(event: event)
        record.add(fields)
        return record
    }

    /// - Returns: why the record could not be written.
    func write(_ record: JSONLine, isDurable: Bool) -> String? {
        audit?.write(record, isDurable: isDurable)
    }

    /// Writes what has happened already, and can't be taken back where it can't be written.
    func writeOrLog(_ record: JSONLine, isDurable: Bool = false) {
        guard let failure = audit?.write(record, isDurable: isDurable) else { return }
        log.write("an audit record was lost: \(failure); make room where --audit writes")
    }
}
