// Fuzzes the audit trail's lines.
// SPDX-License-Identifier: Apache-2.0
import Console
import FoundationEssentials
import Records
import System

func fuzzRecord(_ bytes: [UInt8]) throws(Finding) {
    let texts = bytes.split(separator: 0xff, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
    }
    var inner = JSONLine()
    inner.add("texts", texts)
    inner.add(
        "hidden",
        texts.enumerated().map { RecordedArgument($0.element, isSecret: $0.offset % 2 == 0) })
    var line = JSONLine()
    line.add("first", texts[0])
    line.add("count", bytes.count)
    let end = Moment(nanoseconds: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    line.add("seconds", seconds: end - Moment(nanoseconds: 0))
    line.add(inner)
    line.add(JSONLine())
    let written = line.line
    try require(
        written.last == UInt8(ascii: "\n")
            && written.dropLast().allSatisfy { (0x20...0x7e).contains($0) },
        "a record is one line of printable ASCII")
    guard let read = try? JSONDecoder().decode(Written.self, from: Data(written)) else {
        throw Finding(description: "a record is JSON")
    }
    try require(
        isSame(read.first, texts[0]) && isSame(read.texts, texts) && read.count == bytes.count,
        "a record is read as it was written")
    try require(
        read.hidden.count == texts.count
            && zip(read.hidden, texts).enumerated().allSatisfy { index, pair in
                switch pair.0 {
                case .length(let count): index % 2 == 0 && count == pair.1.utf8.count
                case .text(let text): index % 2 == 1 && isSame(text, pair.1)
                }
            }, "a secret is its length and nothing else is")
}

private struct Written: Decodable {
    let first: String
    let count: Int
    let seconds: Double
    let texts: [String]
    let hidden: [Value]

    enum Value: Decodable {
        case length(Int)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let count = try? container.decode(Int.self) {
                self = .length(count)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }
}
