// The form of a JSON5 number.
// SPDX-License-Identifier: Apache-2.0

/// Whether a literal has the form of a number, and no more digits than a table needs.
/// FoundationEssentials reads it; but an exponent without digits, such as `1e+`, or very many
/// digits would end the process there (Swift 6.3), so only what has the form is given to it.
func isJSON5Number(_ literal: ArraySlice<UInt8>) -> Bool {
    guard literal.count <= 64 else { return false }
    var rest = literal
    take("+-", from: &rest)
    if rest.elementsEqual("Infinity".utf8) || rest.elementsEqual("NaN".utf8) { return true }
    if rest.first == UInt8(ascii: "0"), take("xX", from: &rest, at: 1) {
        return takeDigits(from: &rest, "0123456789abcdefABCDEF") > 0 && rest.isEmpty
    }
    let hasZero = rest.first == UInt8(ascii: "0")
    let whole = takeDigits(from: &rest)
    guard !hasZero || whole == 1 else { return false }
    let fraction = take(".", from: &rest) ? takeDigits(from: &rest) : 0
    guard whole + fraction > 0 else { return false }
    if take("eE", from: &rest) {
        take("+-", from: &rest)
        guard takeDigits(from: &rest) > 0 else { return false }
    }
    return rest.isEmpty
}

/// Takes one byte of a set, with what is before it; false where it is not there.
@discardableResult
private func take(_ set: String, from rest: inout ArraySlice<UInt8>, at place: Int = 0) -> Bool {
    guard let byte = rest.dropFirst(place).first, set.utf8.contains(byte) else { return false }
    rest.removeFirst(place + 1)
    return true
}

private func takeDigits(
    from rest: inout ArraySlice<UInt8>, _ digits: String = "0123456789"
) -> Int {
    let count = rest.prefix { digits.utf8.contains($0) }.count
    rest.removeFirst(count)
    return count
}
