// What the configuration says about one host.
// SPDX-License-Identifier: Apache-2.0
package import System

/// The values for one host: for each key, that of the first entry that matches the host and has the key.
///
/// `certs` stands for the certificate, key and CA in that folder, so later entries can't set those any more.
package struct HostSettings: Sendable {
    /// A value in the form in which an option takes it, and where it is.
    package struct Value: Sendable {
        /// Several only for pins.
        package let texts: [String]
        package let place: FilePlace
    }

    private var values: [HostKey: Value] = [:]
    private var closed: Set<HostKey> = []

    init() {}

    package subscript(key: HostKey) -> Value? { values[key] }

    mutating func add(_ entry: HostsFile.Entry, of file: HostsFile) {
        for key in HostKey.allCases where values[key] == nil && !closed.contains(key) {
            guard let texts = entry.texts[key], let offset = entry.offsets[key] else { continue }
            values[key] = Value(texts: texts, place: file.place(offset))
        }
        if values[.certs] != nil { closed = HostKey.inFolder }
    }
}
