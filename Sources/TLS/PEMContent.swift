// What is read from PEM files.
// SPDX-License-Identifier: Apache-2.0

/// What is read from a PEM file, in words.
enum PEMContent: String {
    case certificate
    case key = "private key"
    case revocationList = "CRL"

    /// The command that reads it in DER format.
    var command: String {
        switch self {
        case .certificate: "openssl x509"
        case .key: "openssl pkey"
        case .revocationList: "openssl crl"
        }
    }
}
