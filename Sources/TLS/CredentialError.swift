// Why a certificate, a key, a CRL or a trust file can't be used.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
public import System

/// A mistake in the certificates, keys and lists that were configured, found before anything is
/// connected.
public typealias CredentialError = Fault<CredentialFiles>

/// The domain of `CredentialError`.
public enum CredentialFiles: FaultDomain {
    /// What whoever named the files can name instead.
    public enum Remedy: Hashable, Sendable {
        /// A file is not where it was looked for.
        case nameFolderOrMakeFile
        /// The certificate is not made for this end of a connection; `orReissue` where it is made for the
        /// other end neither, so that its CA may have to issue one.
        case nameOwnCertificate(Streams.End, orReissue: Bool)
        /// Only a CA's certificate tells whose list is trusted.
        case nameIssuer
        /// There is no list where one was named.
        case getListOrNameNone
        /// What was given is not a name that can be verified.
        case nameServer
    }
}

extension CredentialError {
    /// OpenSSL won't have it. Leaves its error queue empty.
    static func refused(_ what: String) -> CredentialError {
        let reasons = ErrorQueue.drain().map(\.text)
        let reason = reasons.last ?? "unknown error"
        return CredentialError(
            .refused,
            "OpenSSL rejected \(what) (\(reason)); the system's OpenSSL policy may forbid it",
            cause: .openSSL(reasons))
    }

    /// A file that can't be read, or must not be.
    init(_ error: FileError) {
        let isMissing = error.code == .missing
        self.init(
            Code(error.code), isMissing ? "\(error.path) does not exist" : error.description,
            remedy: isMissing ? .nameFolderOrMakeFile : nil, cause: error.cause)
    }

    /// A key log that can't be written, or must not be.
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
    /// The file is there and can't be read, or is no regular file.
    public static var unreadable: Self { Self(rawValue: "unreadable") }
    public static var empty: Self { Self(rawValue: "empty") }
    /// No PEM block of the kind that is needed.
    public static var notPEM: Self { Self(rawValue: "notPEM") }
    /// A PEM block of the right kind whose contents can't be read.
    public static var malformed: Self { Self(rawValue: "malformed") }
    public static var encryptedKey: Self { Self(rawValue: "encryptedKey") }
    public static var keyReadableByOthers: Self { Self(rawValue: "keyReadableByOthers") }
    /// The file, a folder above it or a link to it belongs to neither root nor this user.
    public static var foreignOwner: Self { Self(rawValue: "foreignOwner") }
    /// Somebody else than its owner can write the file, or put another in its place.
    public static var writableByOthers: Self { Self(rawValue: "writableByOthers") }
    /// The key can make no signature that a peer of TLS 1.3 could verify.
    public static var unusableKey: Self { Self(rawValue: "unusableKey") }
    public static var keyMismatch: Self { Self(rawValue: "keyMismatch") }
    /// The chain is longer than clients take.
    public static var longChain: Self { Self(rawValue: "longChain") }
    public static var expired: Self { Self(rawValue: "expired") }
    public static var notYetValid: Self { Self(rawValue: "notYetValid") }
    /// The certificate has no subject alternative name, the only names that count.
    public static var nameless: Self { Self(rawValue: "nameless") }
    /// The certificate's purposes leave out the one that it is to serve.
    public static var wrongPurpose: Self { Self(rawValue: "wrongPurpose") }
    /// A file of CAs that has none.
    public static var notAuthority: Self { Self(rawValue: "notAuthority") }
    /// A CRL that is not complete, or not understood whole.
    public static var unusableCRL: Self { Self(rawValue: "unusableCRL") }
    /// A CRL of none of the CAs that are trusted.
    public static var foreignCRL: Self { Self(rawValue: "foreignCRL") }
    /// A CRL that the CA it names has not signed.
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
