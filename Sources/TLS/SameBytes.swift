// The comparison of bytes, and where to look for the same ones.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension [UInt8] {
    /// Not `elementsEqual`, which compares byte by byte.
    func isSame(as bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count == count else { return false }
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe withUnsafeBytes {
                unsafe $0.isEmpty || memcmp(bytes.baseAddress!, $0.baseAddress!, $0.count) == 0
            }
        }
    }

    /// A hash whose key is unknown outside the process. Not `hashValue`, which takes the bytes one by one.
    package var quickHash: Int {
        var hasher = Hasher()
        unsafe withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
