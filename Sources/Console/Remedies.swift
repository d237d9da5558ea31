// What a user can do about a fault, where saying so takes the name of an option.
// SPDX-License-Identifier: Apache-2.0
package import Records
public import Sockets
public import System
public import TLS

/// A domain's remedies, where they have words.
public protocol Worded {
    /// What to do, to follow a sentence after a semicolon.
    var words: String { get }
}

extension Fault where Domain.Remedy: Worded {
    /// The sentence as people are told it, with its remedy.
    public var told: String { placedSentence + (remedy.map { "; \($0.words)" } ?? "") }
}

/// A fault whose remedies have words, of whichever domain.
private protocol Told {
    var told: String { get }
}

extension Fault: Told where Domain.Remedy: Worded {}

extension Error {
    /// What people are told of it.
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
            "check the address, a firewall on the way, or give more with --connect-timeout"
        case .speakTLS: "leave out --plaintext here, or give it there"
        case .speakTLSIfPeerDoes: "if it speaks TLS, leave --plaintext out"
        case .haveEncrypt(let peer, let mayBePlaintext):
            (peer == .server ? "check the port, or have the server encrypt" : "have it encrypt")
                + (mayBePlaintext
                    ? ", or give --plaintext at both ends if nothing secret is said" : "")
        case .findOutWhetherPeerSpeaksTLS(let mayBePlaintext):
            "it may speak no TLS\(mayBePlaintext ? " (--plaintext)" : ""), or refuse sessions for now"
        case .allowOlderTLS(let peer):
            "bring the \(peer) to TLS 1.3, or allow TLS 1.2 with --tls-min 1.2"
        case .askForNameOfServer: "connect to one of its names, or give one with --server-name"
        case .askForServer(let uri): "if this is the server, give --server-name \(uri)"
        case .trust(let peer, let isSelfSigned):
            (isSelfSigned ? "if it is the right one, " : "")
                + (peer == .server
                    ? "name the right CA with --ca, or the server's key with --pin"
                    : "name the right CA with --client-ca, or give the client a certificate of that CA")
        case .giveCertificate: "give one with --cert and --key, or with --certs"
        case .giveTrustedCertificate: "give one that it trusts with --cert and --key"
        case .raiseDescriptorLimit: "raise the limit of descriptors (ulimit -n)"
        case .raiseSystemDescriptorLimit:
            "the system has no descriptor left: raise fs.file-max (sysctl), or end what holds them"
        case .raiseProcessLimit:
            "raise the limit of processes (ulimit -u, or TasksMax= of its unit), of which each thread counts as one"
        case .updateOrGiveCertificate: "update the older end or give --cert and --key"
        }
    }
}

extension CredentialFiles.Remedy: Worded {
    public var words: String {
        switch self {
        case .nameFolderOrMakeFile:
            "name its folder with --certs or the file itself, or make it as the README says under \"Certificates\""
        case .nameOwnCertificate(let end, let orReissue):
            "name the \(end)'s own with --cert"
                + (orReissue ? ", or have its CA issue one that is" : "")
        case .nameIssuer: "give its issuer's certificate with --ca"
        case .getListOrNameNone: "get it from your CA, or leave --crl out"
        case .nameServer: "give one with --server-name"
        }
    }
}

extension AuditTrail.Remedy: Worded {
    package var words: String {
        switch self {
        case .nameFile: "name a file with --audit"
        }
    }
}
