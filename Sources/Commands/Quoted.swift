// A text from a table, quoted in a sentence for people.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Cut short, and safe to print.
func quoted(_ text: String) -> String { "'\(escaped(text, limit: 60))'" }
