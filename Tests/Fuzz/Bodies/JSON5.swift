// Compares the reader of JSON5 with others.
// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc

@testable import JSON5

/// Reads a text of a table as JSON5 and compares what is taken: its shape and strings with
/// FoundationEssentials, its numbers with strtod.
func compareTree(_ text: String) throws(Finding) {
    guard let node = try? JSON5Scanner.read(text) else { return }
    let walked = try Tree(node, Array(text.utf8))
    // Where an escape lacks digits, the other reader takes the quote after it for one.
    guard !node.hasUnreadableString else { return }
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    // It reads past a number that ends the data (swift-foundation #1625).
    let data = Data(text.utf8) + [UInt8(ascii: " ")]
    guard let tree = try? decoder.decode(Tree.self, from: data) else {
        throw Finding(description: "a text that was walked is JSON5")
    }
    try require(walked == tree, "the scanner reads what another reader does")
}

extension JSON5Node {
    fileprivate var hasUnreadableString: Bool {
        switch content {
        case .object(let members): members.contains(where: \.value.hasUnreadableString)
        case .array(let elements): elements.contains(where: \.hasUnreadableString)
        case .string(let text): text == nil
        case .number, .bool, .null: false
        }
    }
}

/// - Parameter rest: the text, from the number on.
private func compareNumber(_ value: Double?, _ rest: [UInt8]) throws(Finding) {
    let word = rest.prefix {
        isalnum(Int32($0)) != 0 && $0 < 0x80 || "+-._$".utf8.contains($0)
    }
    let digits = word.drop { "+-".utf8.contains($0) }
    guard let value else {
        let isPlain =
            word.count - digits.count <= 1 && (1..<16).contains(digits.count)
            && digits.first != UInt8(ascii: "0") && digits.allSatisfy { isdigit(Int32($0)) != 0 }
        try require(!isPlain, "a whole number is read")
        return
    }
    let characters = word.map { CChar(bitPattern: $0) } + [0]
    var end = 0
    let other = unsafe characters.withUnsafeBufferPointer { start in
        var rest: UnsafeMutablePointer<CChar>?
        let value = unsafe strtod(start.baseAddress!, &rest)
        end = unsafe rest.map { unsafe UnsafePointer($0) - start.baseAddress! } ?? 0
        return value
    }
    try require(
        end == word.count && (value.bitPattern == other.bitPattern || value.isNaN && other.isNaN),
        "a number is what the C library takes it for")
}

/// A text as another reader has it.
private indirect enum Tree: Decodable, Equatable {
    case object([[UInt8]: Tree])
    case array([Tree])
    case string([UInt8])
    /// A number, which is not asked for there, as some would end the process.
    case other
    case bool(Bool)
    case null

    init(from decoder: any Decoder) throws {
        if let keyed = try? decoder.container(keyedBy: Key.self) {
            var members: [[UInt8]: Tree] = [:]
            for key in keyed.allKeys {
                members[Array(key.stringValue.utf8)] = try keyed.decode(Tree.self, forKey: key)
            }
            self = .object(members)
        } else if var unkeyed = try? decoder.unkeyedContainer() {
            var elements: [Tree] = []
            while !unkeyed.isAtEnd { elements.append(try unkeyed.decode(Tree.self)) }
            self = .array(elements)
        } else {
            let single = try decoder.singleValueContainer()
            if single.decodeNil() {
                self = .null
            } else if let value = try? single.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? single.decode(String.self) {
                self = .string(Array(value.utf8))
            } else {
                self = .other
            }
        }
    }

    /// - Parameter bytes: the text.
    init(_ node: JSON5Node, _ bytes: [UInt8]) throws(Finding) {
        try require(bytes.indices.contains(node.offset), "a value's place is in the text")
        switch node.content {
        case .object(let members):
            var tree: [[UInt8]: Tree] = [:]
            for member in members {
                try require(bytes.indices.contains(member.offset), "a key's place is in the text")
                tree[Array(member.key.utf8)] = try Tree(member.value, bytes)
            }
            self = .object(tree)
        case .array(let elements):
            var tree: [Tree] = []
            for element in elements { tree.append(try Tree(element, bytes)) }
            self = .array(tree)
        case .string(let text): self = .string(Array((text ?? "").utf8))
        case .number(let value):
            try compareNumber(value, Array(bytes[node.offset...]))
            self = .other
        case .bool(let value): self = .bool(value)
        case .null: self = .null
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }
}
