// Whether the certificate that a session began with is still accepted.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Glibc
internal import Remote
internal import Sockets
internal import System
internal import TLS

/// What has become of a client's certificate since it was presented: revoked, expired, or issued by
/// a CA that is no longer trusted. Confined to one loop.
final class Standing {
    let peer: PeerIdentity
    private let log: Log?
    private let isTooOld: () -> Bool
    private let inForce: () -> Int
    private let verify: () -> StreamError?
    /// The policy under which the certificate was last verified, and the result.
    private var generation: Int?
    private var rejection: Refusal?

    /// - Parameters:
    ///   - generation: that of the policy under which the certificate was verified; nil if that is not the one
    ///     in force.
    ///   - log: nil if a rejection is reported elsewhere.
    ///   - isTooOld: whether the session has reached the maximum age.
    ///   - inForce: the generation of the policy in force now.
    ///   - verify: the objection to the certificate under that policy.
    init(
        _ peer: PeerIdentity, generation: Int?, log: Log?, isTooOld: @escaping () -> Bool,
        inForce: @escaping () -> Int, verify: @escaping () -> StreamError?
    ) {
        self.peer = peer
        self.generation = generation
        self.log = log
        self.isTooOld = isTooOld
        self.inForce = inForce
        self.verify = verify
    }

    /// Why this client may have no more; nil if it may. Cheap, since it is asked at each message: the
    /// certificate is verified again only if the policy has changed.
    var objection: Refusal? {
        let latest = inForce()
        if generation != latest {
            generation = latest
            rejection = rejected()
        }
        if let rejection { return rejection }
        if isTooOld() { return .sessionTooOld }
        guard time(nil) <= peer.expiry else {
            return Refusal(
                .notAllowed,
                "the client's certificate expired on \(peer.notAfter), after this session began; renew it"
            )
        }
        return nil
    }

    /// The same after another verification: a list of revoked certificates expires by itself. What
    /// is rejected stays rejected until a reload, and is logged once.
    func verifiedObjection() -> Refusal? {
        if let refusal = rejected() { rejection = refusal }
        return rejection ?? (isTooOld() ? .sessionTooOld : nil)
    }

    private func rejected() -> Refusal? {
        guard let failure = verify() else { return nil }
        // The sentence names files of this machine.
        let name = bounded(peer.attribution)
        log?.write("\(name) may no longer run anything: \(failure.told)")
        let why: String
        switch failure.code {
        case .certificateRevoked: why = "was revoked"
        case .certificateExpired: why = "has expired"
        case .revocationUnknown:
            // A new certificate would be refused too.
            return Refusal(
                .unavailable,
                "the server cannot tell whether the client's certificate was revoked because it has no current CRL from its CA; ask the server's administrator to get one"
            )
        default: why = "is no longer accepted"
        }
        return Refusal(
            .notAllowed,
            "the client's certificate \(why); ask the server's administrator for a new one")
    }
}

extension Refusal {
    fileprivate static let sessionTooOld = Refusal(
        .notAllowed,
        "this session has reached the server's limit for the age of a session (--max-session-age); connect again"
    )
}
