// What comes from a peer, cut to what a sentence can hold.
// SPDX-License-Identifier: Apache-2.0

/// A text in full, or its beginning and an ellipsis: a certificate's name may have any length.
///
/// - Parameter limit: in bytes of UTF-8.
package func bounded(_ text: String, to limit: Int = 200) -> String {
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
    // Within a character there is no place to cut.
    while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return text[..<end] + "…"
}
