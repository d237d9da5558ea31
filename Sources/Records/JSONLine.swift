// A JSON object on one line.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A JSON object that is built field by field. Whatever a peer sent appears in it as ASCII: it can
/// neither forge a line nor reach a terminal unescaped.
public struct JSONLine: Sendable {
    private(set) var bytes: [UInt8] = [UInt8(ascii: "{")]

    /// An object without fields.
    public init() { bytes.reserveCapacity(384) }

    /// Adds a text.
    public mutating func add(_ key: StaticString, _ value: String) {
        begin(key)
        appendString(value)
    }

    /// Adds ASCII text that needs no escapes.
    mutating func add(_ key: StaticString, ascii value: [UInt8]) {
        begin(key)
        bytes.append(UInt8(ascii: "\""))
        bytes += value
        bytes.append(UInt8(ascii: "\""))
    }

    /// Adds a number.
    public mutating func add(_ key: StaticString, _ value: some BinaryInteger) {
        begin(key)
        bytes += String(value).utf8
    }

    /// Adds an array of texts.
    public mutating func add(_ key: StaticString, _ values: [String]) {
        begin(key)
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendString(value)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Adds an array of arguments. Secret ones become their length in bytes, and shortened ones an object with the
    /// remaining text and the full length.
    package mutating func add(_ key: StaticString, _ arguments: [RecordedArgument]) {
        begin(key)
        bytes.append(UInt8(ascii: "["))
        for (index, argument) in arguments.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            switch argument {
            case .open(let text): appendString(text)
            case .secret(let length): bytes += String(length).utf8
            case .cut(let text, let length):
                bytes.append(UInt8(ascii: "{"))
                add("text", text)
                add("bytes", length)
                bytes.append(UInt8(ascii: "}"))
            }
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Seconds with microseconds.
    public mutating func add(_ key: StaticString, seconds span: Duration) {
        begin(key)
        bytes += span.seconds(decimals: 6).utf8
    }

    /// Adds all fields of another object.
    public mutating func add(_ other: JSONLine) {
        guard other.bytes.count > 1 else { return }
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes += other.bytes[1...]
    }

    /// The object with its line end.
    public var line: [UInt8] { bytes + "}\n".utf8 }

    /// How many bytes `line` has.
    var count: Int { bytes.count + 2 }

    /// Appends `line`.
    func write(to output: inout [UInt8]) {
        output += bytes
        output += "}\n".utf8
    }

    private mutating func begin(_ key: StaticString) {
        if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        append(key)
        bytes += #"":"#.utf8
    }

    private mutating func append(_ text: StaticString) {
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func appendString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        // Almost all are plain, and copied in one piece.
        if text.utf8.allSatisfy({ (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }) {
            bytes += text.utf8
            bytes.append(UInt8(ascii: "\""))
            return
        }
        for unit in text.utf16 {
            switch unit {
            case 0x22, 0x5c:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(unit))
            case 0x20...0x7e: bytes.append(UInt8(unit))
            default:
                bytes += "\\u".utf8
                for shift in [12, 8, 4, 0] {
                    bytes.append(Self.digits[Int(unit >> shift) & 15])
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
