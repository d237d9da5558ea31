// A second reading of patterns, as short as can be, to compare the first one with.
// SPDX-License-Identifier: Apache-2.0

/// Follows sets of positions through a pattern's tree. It takes a pattern that was read without a
/// fault and does not find faults itself.
struct PatternModel {
    private indirect enum Node {
        case take((UInt32) -> Bool)
        case sequence([Node])
        case anyOf([Node])
        case repeated(Node, least: Int, most: Int?)
        case start, end
    }

    private var text: ArraySlice<Unicode.Scalar>
    private var root = Node.sequence([])

    init(_ pattern: String) {
        text = Array(pattern.unicodeScalars)[...]
        root = readAlternatives()
    }

    func matches(_ value: String) -> Bool {
        let scalars = value.unicodeScalars.map(\.value)
        return ends(root, [0], scalars).contains(scalars.count)
    }

    /// Where a node can end that begins at one of some places.
    private func ends(_ node: Node, _ starts: Set<Int>, _ value: [UInt32]) -> Set<Int> {
        switch node {
        case .take(let isTaken):
            return Set(starts.filter { $0 < value.count && isTaken(value[$0]) }.map { $0 + 1 })
        case .sequence(let nodes):
            return nodes.reduce(starts) { $0.isEmpty ? $0 : ends($1, $0, value) }
        case .anyOf(let nodes):
            return nodes.reduce(into: []) { $0.formUnion(ends($1, starts, value)) }
        case .repeated(let inner, let least, let most):
            var places = starts
            for _ in 0..<least where !places.isEmpty { places = ends(inner, places, value) }
            var found = places
            var times = least
            while !places.isEmpty, most.map({ times < $0 }) ?? true {
                places = ends(inner, places, value).subtracting(found)
                found.formUnion(places)
                times += 1
            }
            return found
        case .start: return starts.intersection([0])
        case .end: return starts.intersection([value.count])
        }
    }

    private mutating func readAlternatives() -> Node {
        var alternatives: [Node] = []
        repeat {
            var nodes: [Node] = []
            while let next = text.first, next != "|", next != ")" { nodes.append(readRepeated()) }
            alternatives.append(.sequence(nodes))
        } while take("|")
        return .anyOf(alternatives)
    }

    private mutating func readRepeated() -> Node {
        let atom = readAtom()
        if take("*") { return .repeated(atom, least: 0, most: nil) }
        if take("+") { return .repeated(atom, least: 1, most: nil) }
        if take("?") { return .repeated(atom, least: 0, most: 1) }
        guard take("{") else { return atom }
        let least = readNumber() ?? 0
        let most = take(",") ? readNumber() : least
        _ = take("}")
        return .repeated(atom, least: least, most: most)
    }

    private mutating func readAtom() -> Node {
        let scalar = text.removeFirst()
        switch scalar {
        case "(":
            let inner = readAlternatives()
            _ = take(")")
            return inner
        case "[": return readBracket()
        case ".": return .take { _ in true }
        case "^": return .start
        case "$": return .end
        case "\\":
            let plain = text.removeFirst().value
            return .take { $0 == plain }
        default: return .take { $0 == scalar.value }
        }
    }

    private mutating func readBracket() -> Node {
        let isNegated = take("^")
        var tests: [(UInt32) -> Bool] = []
        while tests.isEmpty || text.first != "]" {
            let low = text.removeFirst()
            if low == "[", text.first == ":" {
                let name = text.dropFirst().prefix { $0 != ":" }
                text = text.dropFirst(name.count + 3)
                tests.append(Self.isMember(of: String(String.UnicodeScalarView(name))))
            } else if text.first == "-", let high = text.dropFirst().first, high != "]" {
                text = text.dropFirst(2)
                tests.append { low.value <= $0 && $0 <= high.value }
            } else {
                tests.append { $0 == low.value }
            }
        }
        text.removeFirst()
        let members = tests
        return .take { value in members.contains { $0(value) } != isNegated }
    }

    private static func isMember(of name: String) -> (UInt32) -> Bool {
        { value in
            guard value < 0x80, let scalar = Unicode.Scalar(value) else { return false }
            let isLower = ("a"..."z").contains(scalar)
            let isUpper = ("A"..."Z").contains(scalar)
            let isDigit = ("0"..."9").contains(scalar)
            let isGraph = value > 0x20 && value < 0x7f
            return switch name {
            case "alnum": isLower || isUpper || isDigit
            case "alpha": isLower || isUpper
            case "blank": value == 9 || value == 0x20
            case "cntrl": value < 0x20 || value == 0x7f
            case "digit": isDigit
            case "graph": isGraph
            case "lower": isLower
            case "print": isGraph || value == 0x20
            case "punct": isGraph && !isLower && !isUpper && !isDigit
            case "space": (9...13).contains(value) || value == 0x20
            case "upper": isUpper
            default: isDigit || ("a"..."f").contains(scalar) || ("A"..."F").contains(scalar)
            }
        }
    }

    private mutating func readNumber() -> Int? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        text = text.dropFirst(digits.count)
        return Int(String(String.UnicodeScalarView(digits)))
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard text.first == scalar else { return false }
        text.removeFirst()
        return true
    }
}
