// What every module stands on comes with this one.
// SPDX-License-Identifier: Apache-2.0

// The errors of this module are shaped there (`Fault`), so that who meets one needs its members.
@_exported public import System
