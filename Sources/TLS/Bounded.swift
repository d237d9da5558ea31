// What comes from a peer, cut to what a sentence can hold.
// SPDX-License-Identifier: Apache-2.0

/// A text in full, or its beginning and an ellipsis: a certificate's name may have any length.
///
/// - Parameter limit: in bytes of UTF-8.
package func bounded(_ text: String, to limit: Int = 200) -> String {
    guard text.utf8.count > limit else { return text }
    return text.start(limit) + "…"
}

extension String {
    /// The beginning, cut between two Unicode scalars: half of one is not UTF-8.
    ///
    /// - Parameter limit: the most bytes of UTF-8 that it has.
    package func start(_ limit: Int) -> Substring {
        guard utf8.count > limit else { return self[...] }
        var end = utf8.index(utf8.startIndex, offsetBy: limit)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end]
    }
}
