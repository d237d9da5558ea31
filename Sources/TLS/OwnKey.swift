// Why a client showed no certificate, although it has one.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets

extension TLSStream {
    /// OpenSSL sends no certificate if the key can't sign, as if there were none, and no error tells why. Nil if
    /// nobody has asked for one, or the key has signed, or can.
    var ownKeysFailure: StreamError? {
        guard isAsked, let credentials = context.credentials else { return nil }
        var kind: Int32 = 0
        guard unsafe SSL_get_signature_type_nid(ssl, &kind) != 1 else { return nil }
        do throws(CredentialError) {
            try credentials.rehearse()
            return nil
        } catch {
            return StreamError(.unusableKey, error.sentence, cause: error.cause)
        }
    }
}
