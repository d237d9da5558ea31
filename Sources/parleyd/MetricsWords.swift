// The words that labels of metrics can have.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Records
internal import Remote
internal import Sockets
internal import System
internal import TLS

extension Metrics.Words {
    /// All that a server's records have; a test compares them with docs/metrics.md.
    static var ofServer: Self {
        Self(
            refusals: Refusal.Code.allCases.map(\.word),
            limits: Refusal.Limit.allCases.map(\.word) + Controller.allCases.map(\.limit),
            failures: failures.map(\.rawValue))
    }

    /// Why a connection does not become a session. The network process names them, so what isn't here is counted as
    /// something else.
    private static let failures: [StreamError.Code] = [
        .certificateExpired, .certificateInvalid, .certificateNotYetValid, .certificateRejected,
        .certificateRevoked, .clientCertificateRequired, .revocationUnknown, .selfSigned,
        .unknownCA, .wrongPurpose, .noCommonCipher, .noCommonVersion, .noSignature,
        .peerSpeaksNoTLS, .proxyHeader, .noProxyHeader, .badProxyHeader, .helloTooLong,
        .handshakeEnded, .handshakeTimedOut, .tlsFailed, .truncated, .reset, .endedEarly,
        .cancelled, .descriptorsExhausted, .system, .tooManyFailures, .tooManyHandshakes,
        .tooManySessions, .gaveWay,
    ]
}

extension MetricsBook {
    /// Counts from now on.
    ///
    /// - Parameter hasTable: whether a file has the table.
    convenience init(_ policy: Policy, hasTable: Bool) {
        var metrics = Metrics(.ofServer)
        let now = secondsSince1970()
        if policy.context != nil { metrics.start(.certificates, at: now) }
        if hasTable { metrics.start(.commandTable, at: now) }
        self.init(metrics)
        use(policy)
    }

    /// Another policy is in force.
    func use(_ policy: Policy) {
        let entries = policy.table.entries
        use(
            programs: policy.table.programs.map(\.name),
            replies: entries.filter { if case .reply = $0.action { true } else { false } }.map(
                \.name)
                + ["help", "whoami"])
    }
}
