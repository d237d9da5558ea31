// The curve of a key.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

enum Curve {
    /// OpenSSL's name for it: `prime256v1`. Nil for a key of another type, and for a curve given by its
    /// parameters. Leaves OpenSSL's error queue empty.
    static func name(of key: OpaquePointer) -> String? {
        defer { _ = ErrorQueue.drain() }
        var name = [CChar](repeating: 0, count: 80)
        guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1 else { return nil }
        return String(
            decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
