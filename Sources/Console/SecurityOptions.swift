// The options that say what an end proves itself by and what it trusts.
// SPDX-License-Identifier: Apache-2.0
public import TLS

/// `--certs`, `--cert`, `--key`, `--ca`, `--pin`, `--client-ca`, `--crl`, `--tls-min`, `--keylog`.
/// Files are read when a context is made, each time anew.
public struct SecurityOptions: Sendable {
    /// The options of either role that take a value.
    public static let shared = ["certs", "cert", "key", "crl", "tls-min", "keylog"]
    /// All of a server's that take a value.
    public static let server = shared + ["client-ca"]
    /// All of a client's that take a value.
    public static let client = shared + ["ca", "pin", "server-name"]

    /// Whose options they are, which says where certificates are looked for.
    public enum Role: Sendable { case server, client }

    private let places: Places
    /// Somebody named the folder and so expects what is in it to hold.
    private let folderIsNamed: Bool
    private let certificate: String?
    private let key: String?
    private let ca: String?
    private let clientCA: String?
    private let crl: String?
    private let keyLog: String?
    private let pins: [Pin]
    private var options: TLSOptions

    /// - Throws: `UsageError`.
    public init(_ arguments: Arguments, role: Role) throws {
        folderIsNamed = arguments.has("certs")
        places = Places(named: arguments["certs"], forUser: role == .client)
        certificate = arguments["cert"]
        key = arguments["key"]
        ca = arguments["ca"]
        clientCA = arguments["client-ca"]
        crl = arguments["crl"]
        pins = try arguments.all("pin").map { text in
            do { return try Pin(text) } catch {
                throw UsageError("'\(text)' is not a valid --pin: \(error.told)")
            }
        }
        options = TLSOptions()
        if let text = arguments["tls-min"] {
            guard let version = TLSVersion(text) else {
                throw UsageError("'\(text)' is not a valid version for --tls-min: use 1.2 or 1.3")
            }
            options.minimum = version
        }
        keyLog = arguments["keylog"]
    }

    /// ALPN protocols that the context takes part in.
    public var applicationProtocols: [String] {
        get { options.applicationProtocols }
        set { options.applicationProtocols = newValue }
    }
    /// Whether a peer in plaintext may be met with `--plaintext`, for advice.
    public var mayBePlaintext: Bool {
        get { options.mayBePlaintext }
        set { options.mayBePlaintext = newValue }
    }
    /// Whether a server requires client certificates.
    public var asksForClients: Bool { clientCA != nil }
    /// The oldest version that is spoken, `--tls-min`.
    public var minimum: TLSVersion { options.minimum }
    /// What `openKeyLog` has opened.
    public var openedKeyLog: KeyLog? { options.keyLog }
    /// Whether `--keylog` was given, so that the contexts' sessions can be decrypted.
    public var writesKeyLog: Bool { keyLog != nil }

    /// Opens the key log, or makes it, for all contexts that are made from here on; without this
    /// they write none. Apart from the reading of options, which leaves no file behind.
    ///
    /// - Throws: `CredentialError`.
    public mutating func openKeyLog() throws(CredentialError) {
        options.keyLog = try keyLog.map { (path) throws(CredentialError) in try KeyLog(path) }
    }

    /// Finds out whether the key log could be opened or made, and makes none.
    ///
    /// - Throws: `CredentialError`.
    public func examineKeyLog() throws(CredentialError) {
        if let keyLog { try KeyLog.examine(keyLog) }
    }

    /// A server's context from the files as they are now.
    ///
    /// - Parameter filesRead: called when no more file is to be opened; a long CRL is looked at
    ///   after that. Not called where something is thrown before.
    public func serverContext(filesRead: () -> Void = {}) throws(CredentialError) -> TLSContext {
        let credentials = try credentials("server", .server, trial: .withFace)
        let trust = try clientCA.map { (path) throws(CredentialError) in
            try Trust(ca: path, crl: crl, filesRead: filesRead)
        }
        let context = try TLSContext(
            serverWith: credentials, clientTrust: trust, options: options)
        try context.rehearseFace()
        return context
    }

    /// A client's context. What is trusted is `--ca`, else the pins, else the CA in one of the folders,
    /// else the system's store; the certificate is `--cert`, else one of the folders', else none.
    public func clientContext() throws(CredentialError) -> TLSContext {
        var anchors = ca
        if anchors == nil, pins.isEmpty {
            let folder = places.folder(with: "ca.pem")
            // A folder that was named, and whose CA is missing, must not end in trusting the world.
            anchors = (folder ?? (folderIsNamed ? places.folders[0] : nil)).map { "\($0)/ca.pem" }
        }
        let trust = try Trust(ca: anchors, pins: pins, crl: crl, lookedIn: places.folders)
        var credentials: Credentials?
        if certificate != nil || key != nil || places.folder(with: "client.pem") != nil {
            credentials = try self.credentials("client", .client)
        }
        return try TLSContext(clientTrusting: trust, credentials: credentials, options: options)
    }

    /// The certificate and the key that were named, or those of this name, both from the first
    /// folder that has the certificate.
    private func credentials(
        _ name: String, _ purpose: Credentials.Purpose, trial: Credentials.Trial = .handshake
    ) throws(CredentialError) -> Credentials {
        let folder = places.folder(with: "\(name).pem") ?? places.folder(with: "\(name).key")
        guard let folder = folder ?? (certificate != nil && key != nil ? "" : nil) else {
            let missing = certificate == nil ? "\(name).pem" : "\(name).key"
            throw CredentialError.missing(missing, in: places.folders)
        }
        return try Credentials(
            certificate: certificate ?? "\(folder)/\(name).pem",
            key: key ?? "\(folder)/\(name).key", purpose: purpose, trial: trial)
    }

    /// Refuses options that mean nothing without TLS, since whoever gave one expects it to hold.
    public static func refuseWithPlaintext(
        _ arguments: Arguments, _ names: [String]
    ) throws(UsageError) {
        // The folder is only where the others are looked for, and may stand in an alias.
        for name in names where arguments.has(name) && name != "certs" {
            throw UsageError(
                "--\(name) has no effect with --plaintext, which neither encrypts nor verifies; omit one of them"
            )
        }
    }
}
