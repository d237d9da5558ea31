// The part of OpenSSL that a server's handshakes need.
// SPDX-License-Identifier: Apache-2.0
internal import CProvider

enum LeanLibrary {
    /// Nil for all of OpenSSL, where that is as fast (3.2 and later) or where openssl.cnf names another provider or FIPS.
    nonisolated(unsafe) static let context: OpaquePointer? = {
        defer { _ = ErrorQueue.drain() }
        return unsafe parley_lean_context()
    }()
}
