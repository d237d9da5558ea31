// OpenSSL's own beginning.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// The library as this process has it.
public enum TLSLibrary {
    /// Has OpenSSL read its configuration and load what that names, for a process that can open no files later.
    public static func prepare() {
        OPENSSL_init_ssl(
            UInt64(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS), nil)
    }
}
