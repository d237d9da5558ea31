// A metrics file, read again.
// SPDX-License-Identifier: Apache-2.0

/// The samples of a metrics file, in their order. Reads what `Metrics.text` writes, and ignores the rest of a file that
/// another version has written.
package struct MetricsReading: Sendable {
    package struct Sample: Sendable {
        package let name: String
        package let labels: [String: String]
        package let value: Double
    }

    private let samples: [String: [Sample]]

    /// - Returns: nil if it is not parleyd's, or ends within a line.
    package init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Metrics.beginning.utf8), bytes.last == UInt8(ascii: "\n") else {
            return nil
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        samples = Dictionary(grouping: lines.compactMap { Self.sample($0) }) { $0.name }
        guard samples["parley_up"]?.count == 1, samples["parley_metrics_timestamp_seconds"] != nil
        else { return nil }
    }

    /// All of one family; for a histogram its parts, by their names.
    package subscript(name: String) -> [Sample] { samples[name] ?? [] }

    /// The sample of a family that has no labels, or the sum of those that it has.
    package func sum(_ name: String) -> Double { self[name].reduce(0) { $0 + $1.value } }

    private static func sample(_ line: ArraySlice<UInt8>) -> Sample? {
        guard line.first != UInt8(ascii: "#") else { return nil }
        var rest = String(decoding: line, as: UTF8.self).unicodeScalars[...]
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        rest = rest.dropFirst(name.unicodeScalars.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest.removeFirst()
            while let first = rest.first, first != "}" {
                let label = String(rest.prefix { $0 != "=" })
                rest = rest.dropFirst(label.unicodeScalars.count + 1)
                guard let value = value(&rest) else { return nil }
                labels[label] = value
                if rest.first == "," { rest.removeFirst() }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", let value = Double(String(rest.dropFirst())) else { return nil }
        return Sample(name: name, labels: labels, value: value)
    }

    /// A label's value with its quotes.
    private static func value(_ rest: inout Substring.UnicodeScalarView) -> String? {
        guard rest.popFirst() == "\"" else { return nil }
        var value = ""
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return value
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                value.unicodeScalars.append(escaped == "n" ? "\n" : escaped)
            default: value.unicodeScalars.append(scalar)
            }
        }
        return nil
    }
}
