// Re-exports the modules whose errors this one throws.
// SPDX-License-Identifier: Apache-2.0

// `TableError` is JSON5's `TextError`, a `Fault`, so code that handles one needs the members of both.
@_exported public import JSON5
@_exported public import System
