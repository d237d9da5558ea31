// Reads a table's groups and commands.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5
internal import System

/// Turns a text into entries, or finds its first mistake.
struct TableReader {
    private(set) var groups = GroupReader()
    /// What `allow` and `deny` name, apart from groups.
    private var named: Set<[UInt8]> = []
    private(set) var notes: TableNotes

    init(_ users: ProgramUsers, _ groups: ControlGroupSupport?) {
        notes = TableNotes(users, groups)
    }

    /// All identities that the table names.
    var identities: Set<[UInt8]> { named.union(groups.identities) }

    mutating func read(_ text: String) throws(Mistake) -> [CommandEntry] {
        let root = try JSON5Scanner.read(text)
        let fields = try Fields(root, "the table", known: ["groups", "commands"])
        if let node = fields["groups"] { try groups.read(node) }
        guard let node = fields["commands"] else {
            throw Mistake(
                .missingKey, at: root.offset,
                "the table has no commands; expected the key 'commands' with an object")
        }
        var entries: [CommandEntry] = []
        for member in try node.object("'commands'", "an object that maps names to commands") {
            try Self.checkName(member)
            entries.append(try entry(member))
        }
        return entries
    }

    private static func checkName(_ member: JSON5Node.Member) throws(Mistake) {
        let name = member.key
        guard !reserved.contains(name) else {
            throw Mistake(
                .reservedName, at: member.offset,
                "the command name '\(name)' is reserved for the server; expected another name")
        }
        guard (1...255).contains(name.utf8.count), name.utf8.first != UInt8(ascii: "-"),
            !hasControlCharacters(name)
        else {
            throw Mistake(
                .invalidName, at: member.offset,
                "\(quoted(name)) is not a valid command name; expected 1 to 255 bytes without control characters, not starting with -"
            )
        }
    }

    private mutating func entry(_ member: JSON5Node.Member) throws(Mistake) -> CommandEntry {
        let what = "the command \(quoted(member.key))"
        let fields = try Fields(
            member.value, what, known: ["summary"] + Self.replyKeys + Self.runKeys)
        if let reply = fields["reply"] {
            if let other = fields.first(of: Self.runKeys) {
                throw Mistake(
                    .conflictingKey, at: other.offset,
                    "'\(other.key)' requires 'run', but \(what) has 'reply'; expected only \(Self.replyKeys.joined(separator: ", ")) and summary"
                )
            }
            let text = try Self.line(reply, "'reply'")
            guard !text.isEmpty else {
                throw Mistake(
                    .invalidValue, at: reply.offset,
                    "'reply' is empty, so clients would receive nothing; expected text")
            }
            let closes = try fields["close"]?.bool("'close'") ?? false
            return CommandEntry(
                name: member.key, summary: try summary(fields),
                action: .reply(text: text, closes: closes))
        }
        guard let run = fields["run"] else {
            throw Mistake(
                .missingKey, at: member.value.offset,
                "\(what) does nothing; expected 'reply' with text, or 'run' with a program and its arguments"
            )
        }
        if let close = fields.first(of: ["close"]) {
            throw Mistake(
                .conflictingKey, at: close.offset,
                "'close' requires 'reply', but \(what) has 'run'; expected only \(Self.runKeys.joined(separator: ", ")) and summary"
            )
        }
        let program = try ProgramReader(command: member.key, at: member.offset).read(
            run, fields, &notes)
        let entry = CommandEntry(
            name: member.key, summary: try summary(fields), action: .program(program),
            allow: try identities(fields["allow"], "'allow'"),
            deny: try identities(fields["deny"], "'deny'"))
        warn(of: entry, at: member.offset, deny: fields["deny"])
        return entry
    }

    private mutating func warn(of entry: CommandEntry, at offset: Int, deny: JSON5Node?) {
        if entry.allow.isNobody(without: entry.deny) {
            notes.warn(
                .nobody, offset,
                "nobody may run the command \(quoted(entry.name)); list who may in 'allow'")
        } else if let deny, entry.allow.isEverybody, let name = entry.deny.someName {
            notes.warn(
                .deniedName, deny.offset,
                "'deny' of \(quoted(entry.name)) names \(quoted(name)) while 'allow' has 'anyone': a client with another certificate, or with the name spelled differently, can still run it; allow only those who may, or revoke the certificate"
            )
        }
    }

    private func summary(_ fields: Fields) throws(Mistake) -> String {
        guard let node = fields["summary"] else { return "" }
        return try Self.line(node, "'summary'")
    }

    /// A text that fits into a message, with one byte to spare to tell it from a longer one.
    private static func line(_ node: JSON5Node, _ what: String) throws(Mistake) -> String {
        let expected =
            "text of at most \(textLimit) bytes without control characters other than tabs"
        let text = try node.string(what, expected)
        guard text.utf8.count <= textLimit, !hasControlCharacters(text, except: "\t") else {
            let fault =
                text.utf8.count > textLimit
                ? "is \(text.utf8.count) bytes long" : "contains a control character"
            throw Mistake(.invalidValue, at: node.offset, "\(what) \(fault); expected \(expected)")
        }
        return text
    }

    private mutating func identities(
        _ node: JSON5Node?, _ what: String
    ) throws(Mistake) -> IdentitySet {
        var set = IdentitySet()
        let expected = "an array of \(IdentityText.forms), groups or 'anyone'"
        for element in try node?.array(what, expected) ?? [] {
            let text = try element.string("an element of \(what)", expected)
            if text == "anyone" {
                set.isEverybody = true
            } else if let bytes = try GroupReader.identity(text, element) {
                set.texts.insert(bytes)
                named.insert(bytes)
            } else {
                set.groups.append(try groups.group(text, at: element.offset))
            }
        }
        return set
    }

    private static let reserved = ["help", "whoami"]
    private static let replyKeys = ["reply", "close"]
    private static let runKeys =
        [
            "run", "arguments", "environment", "allow", "deny", "optional", "user", "privileged",
        ] + ProgramLimits.keys
    /// One less than a message: a full one can't be told from the start of a longer one.
    private static let textLimit = 1_023
}
