// Re-exports the module whose errors this one throws.
// SPDX-License-Identifier: Apache-2.0

@_exported public import JSON5
