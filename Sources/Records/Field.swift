// A field of a record, which may be omitted.
// SPDX-License-Identifier: Apache-2.0

/// A field that a record can have. One without a value is listed all the same, so that a record
/// names every field of its kind; `docs/audit.md` is compared with that.
package struct Field: Sendable {
    /// Its key in the object.
    package let name: StaticString
    /// Nil if the field is omitted.
    package let value: Value?

    /// What a field holds.
    package enum Value: Sendable {
        case text(String)
        case number(Int)
        case texts([String])
        case arguments([RecordedArgument])
        case seconds(Duration)
    }

    package init(_ name: StaticString, _ value: Value?) {
        self.name = name
        self.value = value
    }

    package init(_ name: StaticString, _ text: String?) { self.init(name, text.map(Value.text)) }

    package init(_ name: StaticString, _ number: (some BinaryInteger)?) {
        self.init(name, number.map { Value.number(Int(clamping: $0)) })
    }

    package init(_ name: StaticString, _ arguments: [RecordedArgument]?) {
        self.init(name, arguments.map(Value.arguments))
    }

    /// Written in seconds.
    package init(_ name: StaticString, _ span: Duration?) {
        self.init(name, span.map(Value.seconds))
    }
}

extension JSONLine {
    /// Adds a field, unless it is omitted.
    package mutating func add(_ field: Field) {
        switch field.value {
        case nil: break
        case .text(let text): add(field.name, text)
        case .number(let number): add(field.name, number)
        case .texts(let texts): add(field.name, texts)
        case .arguments(let arguments): add(field.name, arguments)
        case .seconds(let span): add(field.name, seconds: span)
        }
    }

    /// Adds several fields.
    ///
    /// - Parameter longest: cuts texts that have more bytes.
    package mutating func add(_ fields: [Field], longest: Int = .max) {
        for field in fields {
            if case .text(let text) = field.value, let cut = text.cut(to: longest) {
                add(field.name, cut)
            } else {
                add(field)
            }
        }
    }
}
