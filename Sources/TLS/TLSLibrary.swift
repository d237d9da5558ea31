// OpenSSL's initialisation.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// The library in this process.
public enum TLSLibrary {
    /// Makes OpenSSL read its configuration and load what that names, for a process that can't open files
    /// later.
    public static func prepare() {
        OPENSSL_init_ssl(
            UInt64(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS), nil)
    }
}
