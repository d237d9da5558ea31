// Why a text is not a usable pattern.
// SPDX-License-Identifier: Apache-2.0

/// The first fault of a pattern.
struct PatternFault: Error {
    /// What is wrong; what was expected.
    let sentence: String
}
