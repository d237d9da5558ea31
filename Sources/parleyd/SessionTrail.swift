// What parleyd tells the records: in plain values, which know no protocol.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Records
internal import Remote
internal import TLS

extension RecordedPeer {
    init(_ peer: PeerIdentity) {
        let names = Identity(peer)
        self.init(
            identity: names.description, names: names.names, key: names.key, serial: peer.serial)
    }
}

extension Recorder {
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
}

extension Log {
    /// Tells that the audit trail has a gap from here on, and why.
    func writeLoss(_ reason: String) {
        write(
            "an audit record was lost: \(reason); until one can be written no program starts, so make room where --audit writes"
        )
    }
}
