// What a reload has read, off the loops.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Commands
internal import Console
internal import TLS

/// The results of reading the files, each nil if the options name none.
struct FileReading: Sendable {
    let context: Result<TLSContext, any Error>?
    let table: Result<CommandTable, any Error>?

    /// Reads all of them. A list of a million revoked certificates takes seconds.
    ///
    /// - Parameter filesRead: called when no more files will be opened.
    init(_ options: ServerOptions, filesRead: () -> Void) {
        // First, so that nothing is opened after the certificates' files.
        table = options.commands.map { _ in Result { try Policy.table(options) } }
        context = options.security.map { security in
            Result { try security.serverContext(filesRead: filesRead) }
        }
        // Returns to the system what reading took, hundreds of megabytes for such a list.
        malloc_trim(0)
    }
}
