// What a user can do about a fault, if that involves the name of an option.
// SPDX-License-Identifier: Apache-2.0
package import Records
public import Sockets
public import System
public import TLS

/// A domain's remedies that have words.
public protocol Worded {
    /// What to do, to follow a sentence after a semicolon.
    var words: String { get }
}

extension Fault where Domain.Remedy: Worded {
    /// The sentence for people, with its remedy.
    public var told: String { placedSentence + (remedy.map { "; \($0.words)" } ?? "") }
}

/// A fault whose remedies have words, of whichever domain.
private protocol Told {
    var told: String { get }
}

extension Fault: Told where Domain.Remedy: Worded {}

extension Error {
    /// The sentence for people.
    public var told: String { (self as? any Told)?.told ?? "\(self)" }
}

extension DefaultStringInterpolation {
    @available(*, deprecated, message: "write fault.told, which has the remedy")
    public mutating func appendInterpolation<Domain>(_ fault: Fault<Domain>)
    where Domain.Remedy: Worded {
        appendLiteral(fault.told)
    }
}

extension Streams.Remedy: Worded {
    public var words: String {
        switch self {
        case .waitLongerForConnection:
            "check the address and any firewall, or allow more time with --connect-timeout"
        case .speakTLS: "omit --plaintext here, or use it there too"
        case .speakTLSIfPeerDoes: "if it speaks TLS, omit --plaintext"
        case .haveEncrypt(let peer, let mayBePlaintext):
            (peer == .server ? "check the port, or enable TLS on the server" : "enable TLS there")
                + (mayBePlaintext
                    ? ", or use --plaintext on both sides if nothing secret is sent" : "")
        case .findOutWhetherPeerSpeaksTLS(let mayBePlaintext):
            "it may not speak TLS\(mayBePlaintext ? " (--plaintext)" : ""), or may be refusing sessions for now"
        case .allowOlderTLS(let peer):
            "upgrade the \(peer) to TLS 1.3, or allow TLS 1.2 with --tls-min 1.2"
        case .askForNameOfServer: "connect to one of its names, or specify one with --server-name"
        case .askForServer(let uri): "if this is the right server, use --server-name \(uri)"
        case .trust(let peer, let isSelfSigned):
            (isSelfSigned ? "if it is the right one, " : "")
                + (peer == .server
                    ? "specify the right CA with --ca, or the server's key with --pin"
                    : "specify the right CA with --client-ca, or give the client a certificate from that CA")
        case .giveCertificate: "specify one with --cert and --key, or with --certs"
        case .giveTrustedCertificate: "specify one that it trusts with --cert and --key"
        case .offerRemoteSessions: "it must run as parleyd command with --client-ca"
        case .raiseDescriptorLimit: "raise the file descriptor limit (ulimit -n)"
        case .raiseSystemDescriptorLimit:
            "the system has no file descriptors left: raise fs.file-max (sysctl), or stop the processes that hold them"
        case .raiseProcessLimit:
            "raise the process limit (ulimit -u, or TasksMax= in its unit), in which each thread counts as one"
        case .updateOrGiveCertificate: "update the older end, or use --cert and --key"
        }
    }
}

extension CredentialFiles.Remedy: Worded {
    public var words: String {
        switch self {
        case .nameFolderOrMakeFile:
            "specify its folder with --certs or the file itself, or create it as the README describes under \"Certificates\""
        case .nameOwnCertificate(let end, let orReissue):
            "specify the \(end)'s own with --cert"
                + (orReissue ? ", or have its CA issue a suitable one" : "")
        case .nameIssuer: "specify its issuer's certificate with --ca"
        case .getListOrNameNone: "get it from your CA, or omit --crl"
        case .nameServer: "specify one with --server-name"
        }
    }
}

extension AuditTrail.Remedy: Worded {
    package var words: String {
        switch self {
        case .nameFile: "specify a file with --audit"
        }
    }
}
