// A record as a sentence for people.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A record in one line for people, who read the journal without its fields.
struct RecordSentence {
    /// Nil if the line is not a record.
    let event: Record.Event?
    private let fields: [String: String]

    init(_ fields: [JSONLine.ReadField]) {
        self.fields = Dictionary(fields.map { ($0.name, $0.text) }, uniquingKeysWith: { $1 })
        event = self.fields["event"].flatMap { Record.Event(rawValue: $0) }
    }

    /// One of syslog(3)'s levels: 6 is information, 5 a notice, 4 a warning.
    var priority: String {
        switch event {
        case .refusal, .handshakeFailure, .omission: "5"
        case .reload where self["outcome"] != "in-force": "4"
        default: "6"
        }
    }

    /// Safe to print, and truncated if it is too long for a line.
    var text: String {
        let sentence = printable(bounded(what, to: Self.longest))
        return who.isEmpty ? sentence : "\(who): \(sentence)"
    }

    private var who: String {
        let address = self["address"] + (fields["balancer"].map { " via \($0)" } ?? "")
        let identity = self["identity"]
        guard !identity.isEmpty, event != .omission else { return address }
        return printable(bounded(address.isEmpty ? identity : "\(identity) (\(address))"))
    }

    private var what: String {
        switch event {
        case .sessionStart: "session \(self["session"]) begins (\(self["protocol"]))"
        case .sessionEnd: "session \(self["session"]) is over: \(self["reason"])"
        case .commandStart: "starts \(command)"
        case .commandEnd: "\(command) is over: \(outcome)"
        case .commandGone: "what \(command) left running is over"
        case .reply:
            "has the reply to \(name)"
                + (fields["times"].map { $0 == "1" ? "" : " \($0) times" } ?? "")
        case .refusal: "is refused\(fields["name"] == nil ? "" : " \(command)")\(because)"
        case .handshakeFailure:
            (fields["count"].flatMap { $0 == "1" ? nil : "\($0) connections were" }
                ?? "a connection was")
                + " turned away\(because)"
        case .reload:
            self["outcome"] == "in-force"
                ? "\(self["what"]): read again"
                : "\(self["what"]): the old files stay in force\(because)"
        case .omission:
            (self["records"] == "1" ? "1 record" : "\(self["records"]) records")
                + " of \(fields["identity"] ?? "clients without an identity") left out"
        case nil: ""
        }
    }

    /// With its arguments as JSON.
    private var command: String {
        let arguments = self["arguments"]
        return arguments.isEmpty || arguments == "[]" ? name : "\(name) \(bounded(arguments))"
    }

    private var name: String { "'\(bounded(self["name"]))'" }

    private var outcome: String {
        let detail = ["status", "signal", "code"].compactMap { fields[$0] }.joined(separator: " ")
        return detail.isEmpty ? self["outcome"] : "\(self["outcome"]) \(detail)"
    }

    private var because: String {
        let code = fields["code"].map { " (\($0))" } ?? ""
        return code + (fields["reason"].map { ": \($0)" } ?? "")
    }

    private subscript(name: String) -> String { fields[name] ?? "" }

    /// In bytes, before they are made safe.
    private static let longest = 1_024
}
