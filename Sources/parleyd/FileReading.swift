// What SIGHUP has read again, beside the loops.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Commands
internal import Console
internal import TLS

/// What came of reading the files, each nil where the options name none.
struct FileReading: Sendable {
    let context: Result<TLSContext, any Error>?
    let table: Result<CommandTable, any Error>?

    /// Reads all of them. A list of a million revoked certificates takes seconds.
    ///
    /// - Parameter filesRead: called when no more file is to be opened.
    init(_ options: ServerOptions, filesRead: () -> Void) {
        // First, so that nothing is opened after the certificates' files.
        table = options.commands.map { _ in Result { try Policy.table(options) } }
        context = options.security.map { security in
            Result { try security.serverContext(filesRead: filesRead) }
        }
        // What reading took, hundreds of megabytes for such a list, goes back to the system.
        malloc_trim(0)
    }
}
