// The text that Prometheus reads.
// SPDX-License-Identifier: Apache-2.0

/// Writes metrics in Prometheus' text format, version 0.0.4: each family's help and type once, then its samples.
struct Exposition {
    private(set) var bytes: [UInt8] = []

    enum Kind: String {
        case counter, gauge, histogram
    }

    /// A sample's labels.
    typealias Labels = KeyValuePairs<StaticString, String>

    mutating func family(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        add("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    mutating func sample(_ name: String, _ labels: Labels, _ value: some BinaryInteger) {
        sample(name, labels, text: "\(value)")
    }

    mutating func sample(_ name: String, _ labels: Labels, seconds: Double) {
        sample(name, labels, text: "\(seconds)")
    }

    /// A family of one sample.
    mutating func single(
        _ name: StaticString, _ kind: Kind, _ help: StaticString, _ value: some BinaryInteger
    ) {
        family(name, kind, help)
        sample("\(name)", [:], value)
    }

    private mutating func sample(_ name: String, _ labels: Labels, text: String) {
        add(name)
        if !labels.isEmpty {
            let pairs = labels.map { "\($0)=\"\(Self.escaped($1))\"" }
            add("{\(pairs.joined(separator: ","))}")
        }
        add(" \(text)\n")
    }

    private mutating func add(_ text: String) { bytes += text.utf8 }

    /// The value of a label: the three characters that the format escapes, and nothing else; any text is one line then.
    static func escaped(_ value: String) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += #"\\"#
            case "\"": escaped += #"\""#
            case "\n": escaped += #"\n"#
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
