// Whether a client may have another session.
// SPDX-License-Identifier: Apache-2.0
package import Remote
package import TLS

/// Who has the places of sessions. Asked when it is known who a client is, from any thread.
package protocol SessionAdmission: Sendable {
    /// Takes a place for a session of the client's, or says why there is none.
    func place(for client: PeerIdentity) -> Result<any SessionPlace, Refusal>
}

/// A session's place, which is free again when nobody holds it any more.
package protocol SessionPlace: AnyObject, Sendable {}
