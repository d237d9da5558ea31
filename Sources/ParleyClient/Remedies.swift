// What a program that uses the library can do about a fault.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import TLS

/// In terms of this module's parameters, as Console has it in terms of options.
func advice(for remedy: Streams.Remedy) -> String {
    switch remedy {
    case .waitLongerForConnection:
        "check the address and any firewall, or allow more time with connectTimeout"
    case .speakTLS, .speakTLSIfPeerDoes, .haveEncrypt: "check the port, or enable TLS on the server"
    case .findOutWhetherPeerSpeaksTLS:
        "it may not speak TLS, or may be refusing sessions for now"
    case .allowOlderTLS: "upgrade the server to TLS 1.3"
    case .askForNameOfServer: "connect to one of its names, or specify one with serverName"
    case .askForServer(let uri): "if this is the right server, its serverName is \(uri)"
    case .trust(_, let isSelfSigned):
        (isSelfSigned ? "if it is the right one, " : "")
            + "specify the right CA with the credentials' ca, or the server's key with their pins"
    case .giveCertificate: "specify one with the credentials' cert and key, or with their certs"
    case .giveTrustedCertificate:
        "specify one that it trusts with the credentials' cert and key"
    case .offerRemoteSessions:
        "it must run as parleyd command and require client certificates"
    case .raiseDescriptorLimit: "raise the file descriptor limit (ulimit -n)"
    case .raiseSystemDescriptorLimit:
        "the system has no file descriptors left: raise fs.file-max (sysctl), or stop the processes that hold them"
    case .raiseProcessLimit:
        "raise the process limit (ulimit -u, or TasksMax= in its unit), in which each thread counts as one"
    case .updateOrGiveCertificate:
        "update the older end, or use the credentials' cert and key"
    }
}

/// The same for files.
func advice(for remedy: CredentialFiles.Remedy) -> String {
    switch remedy {
    case .nameFolderOrMakeFile:
        "specify its directory with the credentials' certs, or the file itself"
    case .nameOwnCertificate(_, let orReissue):
        "specify the client's own with the credentials' cert"
            + (orReissue ? ", or have its CA issue a suitable one" : "")
    case .nameIssuer: "specify its issuer's certificate with the credentials' ca"
    case .getListOrNameNone: "get it from your CA, or give no crl"
    case .nameServer: "specify one with serverName"
    }
}
