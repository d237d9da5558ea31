// Reads a table's groups of identities.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5
internal import System

/// Resolves groups that name groups.
struct GroupReader {
    private struct Group {
        let member: JSON5Node.Member
        var state = State.unread
    }

    private enum State {
        case unread, underWay
        /// `depth` counts the nesting levels of groups, itself included.
        case resolved(Set<[UInt8]>, depth: Int)
    }

    private var groups: [String: Group] = [:]
    /// The number of identities in all groups, counted once for each group.
    private var total = 0
    private(set) var identities: Set<[UInt8]> = []

    mutating func read(_ node: JSON5Node) throws(Mistake) {
        let members = try node.object("'groups'", "an object that maps group names to arrays")
        for member in members {
            let name = member.key
            guard !name.isEmpty, name != "anyone", !name.utf8.contains(UInt8(ascii: ":")),
                !hasControlCharacters(name)
            else {
                throw Mistake(
                    .invalidName, at: member.offset,
                    "\(quoted(name)) is not a valid group name; expected one without colons or control characters, other than 'anyone'"
                )
            }
            groups[name] = Group(member: member)
        }
        for member in members {
            let resolved = try resolve(member.key, at: member.offset).identities
            identities.formUnion(resolved)
        }
    }

    /// The identities of a resolved group.
    ///
    /// - Throws: `unknownGroup`.
    func group(_ name: String, at offset: Int) throws(Mistake) -> Set<[UInt8]> {
        guard case .resolved(let identities, _) = groups[name]?.state else {
            throw unknown(name, at: offset)
        }
        return identities
    }

    /// The bytes of an identity in the form that is compared; nil for what could be a group's name.
    ///
    /// - Throws: `invalidIdentity`.
    static func identity(_ text: String, _ node: JSON5Node) throws(Mistake) -> [UInt8]? {
        guard text.utf8.contains(UInt8(ascii: ":")) || text.isEmpty || hasControlCharacters(text)
        else { return nil }
        do throws(IdentityText.Fault) {
            return try IdentityText(text).bytes
        } catch {
            throw Mistake(.invalidIdentity, at: node.offset, "\(error.sentence), or a group's name")
        }
    }

    private mutating func resolve(
        _ name: String, at offset: Int, level: Int = 1
    ) throws(Mistake) -> (identities: Set<[UInt8]>, depth: Int) {
        guard let group = groups[name] else { throw unknown(name, at: offset) }
        switch group.state {
        case .resolved(let identities, let depth): return (identities, depth)
        case .underWay:
            throw Mistake(
                .groupCycle, at: offset,
                "the group \(quoted(name)) contains itself; expected groups without cycles")
        case .unread: break
        }
        // Each level is a call: without a limit a file could end the process.
        guard level <= Self.depthLimit else { throw tooDeep(at: offset) }
        groups[name]?.state = .underWay
        let expected = "an array of \(IdentityText.forms), or of other groups' names"
        var (identities, depth): (Set<[UInt8]>, Int) = ([], 1)
        for node in try group.member.value.array("the group \(quoted(name))", expected) {
            let text = try node.string("an element of the group \(quoted(name))", expected)
            if let bytes = try Self.identity(text, node) {
                identities.insert(bytes)
            } else if text == "anyone" {
                throw Mistake(
                    .invalidIdentity, at: node.offset,
                    "'anyone' is in the group \(quoted(name)); expected it only in 'allow' or 'deny'"
                )
            } else {
                let inner = try resolve(text, at: node.offset, level: level + 1)
                identities.formUnion(inner.identities)
                depth = max(depth, inner.depth + 1)
                guard depth <= Self.depthLimit else { throw tooDeep(at: node.offset) }
            }
            guard total + identities.count <= Self.totalLimit else {
                throw Mistake(
                    .tooMany, at: node.offset,
                    "the groups have too many identities; expected at most \(Self.totalLimit), counted once for each group"
                )
            }
        }
        total += identities.count
        groups[name]?.state = .resolved(identities, depth: depth)
        return (identities, depth)
    }

    private func unknown(_ name: String, at offset: Int) -> Mistake {
        let near =
            nearest(name, in: groups.keys.sorted()).map { "; did you mean \(quoted($0))" }
            ?? IdentityText.hint(name)
        return Mistake(
            .unknownGroup, at: offset,
            "there is no group \(quoted(name))\(near); expected a group's name, \(IdentityText.forms)"
        )
    }

    private func tooDeep(at offset: Int) -> Mistake {
        Mistake(
            .tooDeep, at: offset,
            "groups are nested too deeply; expected at most \(Self.depthLimit) levels")
    }

    private static let depthLimit = 32
    /// A chain of groups has quadratically more identities than the file.
    private static let totalLimit = 100_000
}
