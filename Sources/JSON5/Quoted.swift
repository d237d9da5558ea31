// A text from a file, quoted in a sentence for people.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Cut short, and safe to print.
package func quoted(_ text: String) -> String { "'\(escaped(text, limit: 60))'" }
