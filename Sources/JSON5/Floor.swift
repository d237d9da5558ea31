// Re-exports the module that every module is built on.
// SPDX-License-Identifier: Apache-2.0

// This module's errors are `Fault`s, so code that handles one needs its members.
@_exported public import System
