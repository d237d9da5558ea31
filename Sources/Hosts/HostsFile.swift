// One file of the client's configuration.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5
internal import System

/// The entries of a `config.json5` in their order, all of them valid.
struct HostsFile: Sendable {
    struct Entry: Sendable {
        let patterns: HostPatterns
        let texts: [HostKey: [String]]
        /// In bytes from the start of the file's text.
        let offsets: [HostKey: Int]
    }

    let entries: [Entry]
    private let path: String
    private let text: String

    /// Reads a regular file of at most 1 MiB that nobody else could have written.
    init(_ path: String) throws(TextError) {
        try self.init(text: JSON5File.read(path), path: path)
    }

    init(text: String, path: String) throws(TextError) {
        self.path = path
        self.text = text
        do throws(Mistake) {
            entries = try Self.entries(text, relativeTo: Self.folder(of: path))
        } catch {
            throw error.error(in: text, name: path)
        }
    }

    /// Where a value is. Only for the few that are in force: it takes a walk over the text.
    func place(_ offset: Int) -> FilePlace {
        let place = TextPlace(of: offset, in: text)
        return FilePlace(path, line: place.line, column: place.column)
    }

    private static func entries(
        _ text: String, relativeTo folder: String
    ) throws(Mistake) -> [Entry] {
        let root = try JSON5Scanner.read(text)
        let fields = try Fields(root, "the configuration", known: ["hosts"])
        guard let hosts = fields["hosts"] else { return [] }
        var entries: [Entry] = []
        for member in try hosts.object("'hosts'", "an object that maps names and patterns to hosts")
        {
            let patterns = try HostPatterns(member)
            let values = try HostValues(member, relativeTo: folder)
            entries.append(
                Entry(patterns: patterns, texts: values.texts, offsets: values.offsets))
        }
        return entries
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        // In "/config.json5", the folder is the slash.
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
