// Why a text is not a pattern that can be used.
// SPDX-License-Identifier: Apache-2.0

/// The first fault of a pattern.
struct PatternFault: Error {
    /// What is wrong; what was expected.
    let sentence: String
}
