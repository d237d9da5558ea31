// What is in force: the command table and the TLS context, read together.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import System
internal import TLS

/// The table and the certificates are each read as a whole. A reload that can't read one of them
/// still replaces the other: a revocation must not wait for a table to be fixed.
struct Policy: Sendable {
    let table: CommandTable
    /// What is trusted, and the server's key; nil for plaintext.
    let context: TLSContext?
    /// The part of it that sessions have; nil for plaintext.
    let face: ServerFace?
    /// The number of the key.
    let key: UInt32
    /// Which reading it is; sessions that began under an earlier one are checked again.
    let generation: Int

    /// Reads every file that the options name.
    ///
    /// - Throws: `TableError`, `CredentialError`, `ConfigurationError`.
    init(_ options: ServerOptions) throws {
        table = try Self.table(options)
        context = try options.security?.serverContext()
        face = context?.face
        key = 0
        generation = 0
    }

    /// The next one, with another table or context.
    init(after old: Policy, table: CommandTable? = nil, context: TLSContext? = nil) {
        self.table = table ?? old.table
        self.context = context ?? old.context
        face = context.map(\.face) ?? old.face
        key = old.key &+ (context == nil ? 0 : 1)
        generation = old.generation + 1
    }

    /// - Throws: `TableError`, `ConfigurationError`.
    static func table(_ options: ServerOptions) throws -> CommandTable {
        guard let path = options.commands else { return .tutorial }
        let table = try CommandTable(
            file: path, users: .possible(otherwise: options.programUser),
            groups: options.groupSupport)
        if table.hasPrograms, options.security?.asksForClients != true {
            throw ConfigurationError(
                .clientsUnknown,
                options.security == nil
                    ? "the table \(path) has programs, which never run in plaintext; omit --plaintext and name the clients' CA with --client-ca"
                    : "the table \(path) has programs, so the server must know who its clients are; name the clients' CA with --client-ca"
            )
        }
        return table
    }
}
