// Why a certificate, a key, a CRL or a trust file can't be used.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A mistake in what was configured, found before anything is connected.
public struct CredentialError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, RawRepresentable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    public let code: Code
    /// One sentence without its full stop: which file, what is wrong, and what mends it.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// OpenSSL won't have it. Leaves its error queue empty.
    static func refused(_ what: String) -> CredentialError {
        let reason = ErrorQueue.drain().last?.text ?? "unknown error"
        return CredentialError(
            .refused,
            "OpenSSL refuses \(what) (\(reason)); the system's OpenSSL policy may forbid it")
    }

    /// A file that can't be read, or must not be.
    init(_ error: FileError) {
        self.init(
            Code(error.code),
            error.code == .missing
                ? "\(error.path) does not exist; name its folder with --certs or the file itself, or make it as the README says under \"Certificates\""
                : error.description)
    }

    /// A key log that can't be written, or must not be.
    init(keyLog error: FileError) {
        let code = Code(error.code)
        self.init(code == .missing ? .unreadable : code, "the key log \(error.description)")
    }

    /// A file is in none of the folders where it is looked for.
    public static func missing(_ name: String, in folders: [String]) -> CredentialError {
        CredentialError(
            .missing,
            "there is no \(name) in \(folders.joined(separator: " or ")); name its folder with --certs or the file itself, or make it as the README says under \"Certificates\""
        )
    }
}

extension CredentialError.Code {
    /// There is no such file.
    public static let missing = Self(rawValue: "missing")
    /// The file is there and can't be read, or is no regular file.
    public static let unreadable = Self(rawValue: "unreadable")
    public static let empty = Self(rawValue: "empty")
    /// No PEM block of the kind that is needed.
    public static let notPEM = Self(rawValue: "notPEM")
    /// A PEM block of the right kind whose contents can't be read.
    public static let malformed = Self(rawValue: "malformed")
    public static let encryptedKey = Self(rawValue: "encryptedKey")
    public static let keyReadableByOthers = Self(rawValue: "keyReadableByOthers")
    /// The file, a folder above it or a link to it belongs to neither root nor this user.
    public static let foreignOwner = Self(rawValue: "foreignOwner")
    /// Somebody else than its owner can write the file, or put another in its place.
    public static let writableByOthers = Self(rawValue: "writableByOthers")
    /// The key can make no signature that a peer of TLS 1.3 could verify.
    public static let unusableKey = Self(rawValue: "unusableKey")
    public static let keyMismatch = Self(rawValue: "keyMismatch")
    public static let expired = Self(rawValue: "expired")
    public static let notYetValid = Self(rawValue: "notYetValid")
    /// The certificate has no subject alternative name, the only names that count.
    public static let nameless = Self(rawValue: "nameless")
    /// The certificate's purposes leave out the one that it is to serve.
    public static let wrongPurpose = Self(rawValue: "wrongPurpose")
    /// A file of CAs that has none.
    public static let notAuthority = Self(rawValue: "notAuthority")
    /// A CRL that is not complete, or not understood whole.
    public static let unusableCRL = Self(rawValue: "unusableCRL")
    /// A CRL of none of the CAs that are trusted.
    public static let foreignCRL = Self(rawValue: "foreignCRL")
    /// A CRL that the CA it names has not signed.
    public static let badSignature = Self(rawValue: "badSignature")
    public static let invalidPin = Self(rawValue: "invalidPin")
    public static let invalidServerName = Self(rawValue: "invalidServerName")
    /// OpenSSL refused a setting, by its own policy or by lack of memory.
    public static let refused = Self(rawValue: "refused")

    init(_ code: FileError.Code) {
        self =
            switch code {
            case .missing: .missing
            case .foreignOwner: .foreignOwner
            case .writableByOthers: .writableByOthers
            case .readableByOthers: .keyReadableByOthers
            default: .unreadable
            }
    }
}
