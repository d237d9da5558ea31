// Why a certificate, a key, a CRL or a trust file can't be used.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
public import System

/// A mistake in the configured certificates, keys and lists, found before any connection.
public typealias CredentialError = Fault<CredentialFiles>

/// The domain of `CredentialError`.
public enum CredentialFiles: FaultDomain {
    /// What the user can specify instead.
    public enum Remedy: Hashable, Sendable {
        /// A file is not where it was looked for.
        case nameFolderOrMakeFile
        /// The certificate is not for this end of a connection; `orReissue` if it is not for the other
        /// end either, so that its CA may have to issue one.
        case nameOwnCertificate(Streams.End, orReissue: Bool)
        /// Only a CA's certificate determines whose list is trusted.
        case nameIssuer
        /// The specified list does not exist.
        case getListOrNameNone
        /// What was given is not a name that can be verified.
        case nameServer
    }
}

extension CredentialError {
    /// OpenSSL rejects it. Leaves its error queue empty.
    static func refused(_ what: String) -> CredentialError {
        let reasons = ErrorQueue.drain().map(\.text)
        let reason = reasons.last ?? "unknown error"
        return CredentialError(
            .refused,
            "OpenSSL rejected \(what) (\(reason)); the system's OpenSSL policy may forbid it",
            cause: .openSSL(reasons))
    }

    /// A file that can't or must not be read.
    init(_ error: FileError) {
        let isMissing = error.code == .missing
        self.init(
            Code(error.code), isMissing ? "\(error.path) does not exist" : error.description,
            remedy: isMissing ? .nameFolderOrMakeFile : nil, cause: error.cause)
    }

    /// A key log that can't or must not be written.
    init(keyLog error: FileError) {
        let code = Code(error.code)
        self.init(
            code == .missing ? .unreadable : code, "the key log \(error.description)",
            cause: error.cause)
    }

    /// A file is in none of the folders where it is looked for.
    public static func missing(_ name: String, in folders: [String]) -> CredentialError {
        CredentialError(
            .missing,
            "there is no \(name) in \(folders.joined(separator: " or "))",
            remedy: .nameFolderOrMakeFile)
    }
}

extension CredentialError.Code {
    /// There is no such file.
    public static var missing: Self { Self(rawValue: "missing") }
    /// The file exists but can't be read, or is not a regular file.
    public static var unreadable: Self { Self(rawValue: "unreadable") }
    public static var empty: Self { Self(rawValue: "empty") }
    /// No PEM block of the required kind.
    public static var notPEM: Self { Self(rawValue: "notPEM") }
    /// A PEM block of the right kind whose contents can't be read.
    public static var malformed: Self { Self(rawValue: "malformed") }
    public static var encryptedKey: Self { Self(rawValue: "encryptedKey") }
    public static var keyReadableByOthers: Self { Self(rawValue: "keyReadableByOthers") }
    /// The file, a folder above it or a link to it belongs to neither root nor this user.
    public static var foreignOwner: Self { Self(rawValue: "foreignOwner") }
    /// Someone other than its owner can write to the file, or replace it.
    public static var writableByOthers: Self { Self(rawValue: "writableByOthers") }
    /// The key can't make a signature that a TLS 1.3 peer could verify.
    public static var unusableKey: Self { Self(rawValue: "unusableKey") }
    public static var keyMismatch: Self { Self(rawValue: "keyMismatch") }
    /// The chain is longer than clients accept.
    public static var longChain: Self { Self(rawValue: "longChain") }
    public static var expired: Self { Self(rawValue: "expired") }
    public static var notYetValid: Self { Self(rawValue: "notYetValid") }
    /// The certificate has no subject alternative name, the only names that count.
    public static var nameless: Self { Self(rawValue: "nameless") }
    /// The certificate's purposes don't include the one that it is used for.
    public static var wrongPurpose: Self { Self(rawValue: "wrongPurpose") }
    /// A file of CAs that has none.
    public static var notAuthority: Self { Self(rawValue: "notAuthority") }
    /// A CRL that is incomplete, or not fully understood.
    public static var unusableCRL: Self { Self(rawValue: "unusableCRL") }
    /// A CRL that is not from a trusted CA.
    public static var foreignCRL: Self { Self(rawValue: "foreignCRL") }
    /// A CRL that was not signed by the CA that it names.
    public static var badSignature: Self { Self(rawValue: "badSignature") }
    public static var invalidPin: Self { Self(rawValue: "invalidPin") }
    public static var invalidServerName: Self { Self(rawValue: "invalidServerName") }
    /// OpenSSL refused a setting, by its own policy or by lack of memory.
    public static var refused: Self { Self(rawValue: "refused") }

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
