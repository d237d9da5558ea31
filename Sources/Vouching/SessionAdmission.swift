// Whether a client may have another session.
// SPDX-License-Identifier: Apache-2.0
package import Remote
package import TLS

/// What gives sessions their places. Asked when it is known who a client is, on any thread.
package protocol SessionAdmission: Sendable {
    /// Takes a place for a session of the client, or says why there is none.
    func place(for client: PeerIdentity) -> Result<any SessionPlace, Refusal>
}

/// A session's place, which becomes free when nothing holds it any more.
package protocol SessionPlace: AnyObject, Sendable {}
