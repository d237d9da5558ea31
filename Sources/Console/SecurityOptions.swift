// The options for an end's own certificate and for what it trusts.
// SPDX-License-Identifier: Apache-2.0
public import TLS

/// `--certs`, `--cert`, `--key`, `--ca`, `--pin`, `--client-ca`, `--crl`, `--tls-min`, `--keylog`.
/// Files are read each time a context is made.
public struct SecurityOptions: Sendable {
    /// The options of either role that take a value.
    public static let shared = ["certs", "cert", "key", "crl", "tls-min", "keylog"]
    /// All of a server's that take a value.
    public static let server = shared + ["client-ca"]
    /// All of a client's that take a value.
    public static let client = shared + ["ca", "pin", "server-name"]

    /// Whose options they are; this decides where certificates are looked for.
    public enum Role: Sendable { case server, client }

    private let places: Places
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

    /// ALPN protocols that the context supports.
    public var applicationProtocols: [String] {
        get { options.applicationProtocols }
        set { options.applicationProtocols = newValue }
    }
    /// Whether `--plaintext` is a remedy for a plaintext peer, for advice.
    public var mayBePlaintext: Bool {
        get { options.mayBePlaintext }
        set { options.mayBePlaintext = newValue }
    }
    /// Whether a server requires client certificates.
    public var asksForClients: Bool { clientCA != nil }
    /// The oldest version that is accepted, `--tls-min`.
    public var minimum: TLSVersion { options.minimum }
    /// What `openKeyLog` has opened.
    public var openedKeyLog: KeyLog? { options.keyLog }
    /// Whether `--keylog` was given, so that the contexts' sessions can be decrypted.
    public var writesKeyLog: Bool { keyLog != nil }

    /// Opens or creates the key log, for all contexts that are made from now on; without this they
    /// write none. Separate from reading options, which must not create files.
    ///
    /// - Throws: `CredentialError`.
    public mutating func openKeyLog() throws(CredentialError) {
        options.keyLog = try keyLog.map { (path) throws(CredentialError) in try KeyLog(path) }
    }

    /// Checks whether the key log could be opened or created, without creating it.
    ///
    /// - Throws: `CredentialError`.
    public func examineKeyLog() throws(CredentialError) {
        if let keyLog { try KeyLog.examine(keyLog) }
    }

    /// A server's context from the files as they are now.
    ///
    /// - Parameter filesRead: called when no more files will be opened; a long CRL is processed
    ///   after that. Not called if something is thrown before.
    public func serverContext(filesRead: () -> Void = {}) throws(CredentialError) -> TLSContext {
        let files = try places.files(for: .server, certificate: certificate, key: key)
        let credentials = try Credentials(
            certificate: files.certificate, key: files.key, purpose: .server, trial: .withFace)
        let trust = try clientCA.map { (path) throws(CredentialError) in
            try Trust(ca: path, crl: crl, filesRead: filesRead)
        }
        let context = try TLSContext(
            serverWith: credentials, clientTrust: trust, options: options)
        try context.rehearseFace()
        return context
    }

    /// A client's context. It trusts `--ca`, else the pins, else the CA in one of the folders, else the
    /// system's store; its certificate is `--cert`, else one from the folders, else none.
    public func clientContext() throws(CredentialError) -> TLSContext {
        try clientFiles.context(options)
    }

    /// The files that a client's context is made of.
    package var clientFiles: ClientFiles {
        ClientFiles(
            in: places, ca: ca, certificate: certificate, key: key, crl: crl, pins: pins)
    }

    /// Refuses options that have no effect without TLS, since the user expects them to have one.
    public static func refuseWithPlaintext(
        _ arguments: Arguments, _ names: [String]
    ) throws(UsageError) {
        // The folder only says where to look for the others, and may come from a shell alias.
        for name in names where arguments.has(name) && name != "certs" {
            throw UsageError(
                "--\(name) has no effect with --plaintext, which neither encrypts nor verifies; omit one of them"
            )
        }
    }
}
