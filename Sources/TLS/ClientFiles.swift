// The files that make a client's context.
// SPDX-License-Identifier: Apache-2.0

/// What a client proves itself with and what it trusts, by the names of files, which are read each time
/// a context is made.
package struct ClientFiles: Sendable {
    /// Where to look for those that are not named.
    private let places: Places
    private let certificate: String?
    private let key: String?
    private let ca: String?
    private let crl: String?
    private let pins: [Pin]

    package init(
        in places: Places, ca: String?, certificate: String?, key: String?, crl: String?,
        pins: [Pin]
    ) {
        self.places = places
        self.ca = ca
        self.certificate = certificate
        self.key = key
        self.crl = crl
        self.pins = pins
    }

    /// A client's context. It trusts the named CAs, else the pins, else the CA in one of the folders, else the
    /// system's store; its certificate is the named one, else one from the folders, else none.
    package func context(_ options: TLSOptions) throws(CredentialError) -> TLSContext {
        let trust = try Trust(ca: anchors, pins: pins, crl: crl, lookedIn: folders)
        let credentials = try own().map { (files) throws(CredentialError) in
            try Credentials(
                certificate: files.certificate, key: files.key, purpose: .client, trial: .whenAsked)
        }
        return try TLSContext(clientTrusting: trust, credentials: credentials, options: options)
    }

    /// Where files are looked for that are not named.
    package var folders: [String] { places.folders }

    /// The file of the CAs to trust; nil if only the pins or, without any, the system's store is trusted.
    package var anchors: String? {
        guard ca == nil, pins.isEmpty else { return ca }
        let folder = places.folder(with: "ca.pem")
        // A named folder without a CA must not lead to trusting the whole system's store.
        return (folder ?? (places.isNamed ? folders[0] : nil)).map { "\($0)/ca.pem" }
    }

    /// The files of the client's certificate and its key; nil if it has none.
    package func own() throws(CredentialError) -> (certificate: String, key: String)? {
        guard certificate != nil || key != nil || places.folder(with: "client.pem") != nil
        else { return nil }
        return try places.files(for: .client, certificate: certificate, key: key)
    }
}
