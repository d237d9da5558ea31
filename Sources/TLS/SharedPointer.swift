// A pointer to an OpenSSL object that any thread may use.
// SPDX-License-Identifier: Apache-2.0

/// Points to memory that is written only until its owner's `init` has ended, or to an object for which
/// OpenSSL itself takes a lock (openssl-threads(7)): `SSL_CTX`, `X509`, `EVP_PKEY`. So the owner
/// may go to any thread. The owner frees it.
@safe
struct SharedPointer<Pointer>: @unchecked Sendable {
    let raw: Pointer

    init(_ raw: Pointer) { self.raw = raw }
}
