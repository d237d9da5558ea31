// What a JSON5 text says, in a form that can be compared.
// SPDX-License-Identifier: Apache-2.0
@testable import JSON5

/// A value by its bytes and bits: Strings compare by canonical equivalence, and 0 equals -0.
indirect enum JSON5Value: Equatable {
    case object([[UInt8]: JSON5Value])
    case array([JSON5Value])
    case string([UInt8])
    case number(bits: UInt64)
    case notANumber
    case bool(Bool)
    case null

    init(_ number: Double) {
        self = number.isNaN ? .notANumber : .number(bits: number.bitPattern)
    }

    init(_ text: String) { self = .string(Array(text.utf8)) }

    /// What the scanner found; nil where a string or number in it can't be read.
    init?(_ node: JSON5Node) {
        switch node.content {
        case .object(let members):
            var values: [[UInt8]: JSON5Value] = [:]
            for member in members {
                guard let value = JSON5Value(member.value) else { return nil }
                values[Array(member.key.utf8)] = value
            }
            self = .object(values)
        case .array(let elements):
            let values = elements.compactMap { JSON5Value($0) }
            guard values.count == elements.count else { return nil }
            self = .array(values)
        case .string(let text):
            guard let text else { return nil }
            self.init(text)
        case .number(let number):
            guard let number else { return nil }
            self.init(number)
        case .bool(let value): self = .bool(value)
        case .null: self = .null
        }
    }

    /// A text as the scanner reads it; nil where it is refused, or any value in it can't be read.
    static func read(_ text: String) -> JSON5Value? {
        (try? JSON5Scanner.read(text)).flatMap { JSON5Value($0) }
    }
}

extension JSON5Node {
    /// Where its keys and values begin, each before what is in it. In the text's order, if the scanner
    /// keeps that, which the other reader does not have.
    var places: [Int] {
        switch content {
        case .object(let members): [offset] + members.flatMap { [$0.offset] + $0.value.places }
        case .array(let elements): [offset] + elements.flatMap(\.places)
        case .string, .number, .bool, .null: [offset]
        }
    }
}
