// What all loops of a server share.
// SPDX-License-Identifier: Apache-2.0
internal import Records
internal import System

/// Constant, or behind a lock or an atomic that no byte passes.
struct Commons: Sendable {
    let options: ServerOptions
    /// Nil where no records are kept.
    let audit: AuditFile?
    let census = Census()
    let descriptors = FreeDescriptors()
    let slots = ProgramSlots()
}
