// What is in force: the command table and the TLS context, read together.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Sessions
internal import TLS

/// Read whole, and replaced whole by a reload.
struct Policy: Sendable {
    let table: CommandTable
    let replies: ReplyTable
    /// Nil for plaintext.
    let context: TLSContext?
    /// Which reading it is; sessions that began under an earlier one are looked at again.
    let generation: Int

    /// Reads every file that the options name.
    ///
    /// - Throws: `TableError`, `CredentialError`, `ConfigurationError`.
    init(_ options: ServerOptions, generation: Int) throws {
        self.generation = generation
        table = try options.commands.map { try CommandTable(file: $0) } ?? .documents
        if table.hasPrograms, options.security?.asksForClients != true {
            throw ConfigurationError(
                options.security == nil
                    ? "the table \(options.commands ?? "") has programs, which never run in plaintext; leave --plaintext out and name the clients' CA with --client-ca"
                    : "the table \(options.commands ?? "") has programs, so it must be known who asks; name the clients' CA with --client-ca"
            )
        }
        replies = ReplyTable(table)
        context = try options.security?.serverContext()
    }
}
