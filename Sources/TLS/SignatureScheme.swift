// How a handshake's signatures are made.
// SPDX-License-Identifier: Apache-2.0

/// What TLS calls an algorithm with its hash: the SignatureScheme of RFC 8446, section 4.2.3, in its
/// numbers. Those that a server's key may be asked for; in TLS 1.2 a number of ECDSA stands for its hash
/// alone, whatever the key's curve.
public enum SignatureScheme: UInt16, Sendable, CaseIterable {
    // In TLS 1.2 only.
    case rsaPKCS1SHA256 = 0x0401
    case rsaPKCS1SHA384 = 0x0501
    case rsaPKCS1SHA512 = 0x0601

    case ecdsaP256SHA256 = 0x0403
    case ecdsaP384SHA384 = 0x0503
    case ecdsaP521SHA512 = 0x0603

    /// With a salt as long as the hash, as all of PSS: by an RSA key that may also do otherwise.
    case rsaPSSSHA256 = 0x0804
    case rsaPSSSHA384 = 0x0805
    case rsaPSSSHA512 = 0x0806

    case ed25519 = 0x0807

    /// By a key that is made for PSS.
    case pssSHA256 = 0x0809
    case pssSHA384 = 0x080a
    case pssSHA512 = 0x080b
}
