// Importing this module also imports the module that all others build on.
// SPDX-License-Identifier: Apache-2.0

// This module's errors are shaped there (`Fault`), so whoever handles one needs its members.
@_exported public import System
