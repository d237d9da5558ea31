// The allow-list of commands.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5
public import System

/// A table that was read completely and without mistakes. It does not change.
public final class CommandTable: Sendable {
    /// Sorted by the names' bytes.
    public let entries: [CommandEntry]
    /// All identities that the table names, also in groups, sorted by their bytes.
    public let identities: [String]
    /// What its author may not have intended: the first hundred warnings, in the order of the text.
    public let warnings: [TableWarning]
    /// How many more there are.
    public let omittedWarnings: Int
    private let places: [[UInt8]: Int]

    /// Reads a JSON5 file: a regular file of at most 1 MiB of UTF-8 that, like its folder, is owned
    /// and writable only by root or this user. May wait for a name service.
    ///
    /// - Parameters:
    ///   - users: whom its programs may run as.
    ///   - groups: what its programs have of control groups; nil where that isn't looked at.
    public convenience init(
        file path: String, users: ProgramUsers, groups: ControlGroupSupport? = nil
    ) throws(TableError) {
        try self.init(text: JSON5File.read(path), name: path, users: users, groups: groups)
    }

    /// - Parameters:
    ///   - name: the file's name in errors.
    ///   - users: whom its programs may run as.
    ///   - groups: what its programs have of control groups; nil where that isn't looked at.
    public init(
        text: String, name: String, users: ProgramUsers = .own, groups: ControlGroupSupport? = nil
    ) throws(TableError) {
        do throws(Mistake) {
            var reader = TableReader(users, groups)
            entries = try reader.read(text).sorted {
                $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
            }
            identities = reader.identities.sorted { $0.lexicographicallyPrecedes($1) }
                .map { String(decoding: $0, as: UTF8.self) }
            warnings = reader.notes.warnings.sorted { $0.offset < $1.offset }.map {
                TableWarning($0, in: text, name: name)
            }
            omittedWarnings = reader.notes.omitted
        } catch {
            throw error.error(in: text, name: name)
        }
        places = Self.places(entries)
    }

    private init(replies: [CommandEntry]) {
        entries = replies.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        identities = []
        warnings = []
        omittedWarnings = 0
        places = Self.places(entries)
    }

    /// The third tutorial's table.
    public static let tutorial = CommandTable(replies: [
        CommandEntry(name: "Hello", action: .reply(text: "Greetings!", closes: false)),
        CommandEntry(
            name: "Are you there?", action: .reply(text: "Yes, I am here!", closes: false)),
        CommandEntry(name: "quit", action: .reply(text: "Closing down", closes: true)),
    ])

    public var hasPrograms: Bool { !programs.isEmpty }

    /// The commands that run something, in their order.
    public var programs: [(name: String, program: ProgramEntry)] {
        entries.compactMap {
            if case .program(let program) = $0.action { ($0.name, program) } else { nil }
        }
    }

    /// The command with exactly this name.
    public subscript(name: String) -> CommandEntry? {
        places[Array(name.utf8)].map { entries[$0] }
    }

    private static func places(_ entries: [CommandEntry]) -> [[UInt8]: Int] {
        var places: [[UInt8]: Int] = [:]
        for index in entries.indices { places[Array(entries[index].name.utf8)] = index }
        return places
    }
}
