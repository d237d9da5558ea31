// Serial numbers of certificates, for look-ups.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A set of serial numbers in one piece of memory: a million of them as OpenSSL's objects would
/// take ten times as much, and a third of a second to be freed.
struct SerialNumbers: Sendable {
    private var bytes: [UInt8] = []
    /// The range of the numbers of each length, by length.
    private var ranges: [Int: Range<Int>] = [:]

    /// Adds a number that is greater than those before it: shorter ones come first, and within a
    /// length smaller ones. OpenSSL sorts a list's entries in this order.
    mutating func append(_ number: UnsafePointer<ASN1_INTEGER>) {
        let start = bytes.count
        unsafe bytes.append(contentsOf: Self.bytes(of: number))
        let length = bytes.count - start
        ranges[length] = (ranges[length]?.lowerBound ?? start)..<bytes.count
    }

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count * Self.usualLength) }

    func contains(_ number: UnsafePointer<ASN1_INTEGER>) -> Bool {
        let wanted = unsafe Self.bytes(of: number)
        guard let range = ranges[wanted.count] else { return false }
        if wanted.isEmpty { return true }
        var (low, high) = (0, range.count / wanted.count)
        while low < high {
            let middle = (low + high) / 2
            let start = range.lowerBound + middle * wanted.count
            let entry = bytes[start..<start + wanted.count]
            if unsafe entry.elementsEqual(wanted) { return true }
            if unsafe entry.lexicographicallyPrecedes(wanted) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return false
    }

    private static func bytes(of number: UnsafePointer<ASN1_INTEGER>) -> UnsafeBufferPointer<UInt8>
    {
        unsafe UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(number), count: Int(ASN1_STRING_length(number)))
    }

    /// RFC 5280 allows 20 bytes; most CAs use 16 to 20.
    private static let usualLength = 20
}
