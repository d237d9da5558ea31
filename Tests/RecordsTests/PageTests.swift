// docs/audit.md says what the records are.
// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Remote
import Testing

@testable import Records

/// Compares the page with the enum, both ways, so that neither has what the other lacks.
@Suite
struct PageTests {
    @Test func everyEvent_hasItsPart_withEachOfItsFields() throws {
        let page = try Page()
        let events = Record.Event.allCases
        // An event without a sample would not be compared.
        #expect(Samples.barest.map(\.schema.event) == events)
        #expect(page.parts.filter(\.isEvent).map(\.name) == events.map(\.rawValue))
        for record in Samples.barest {
            let (event, fields) = record.schema
            let rows = try page[event.rawValue].rows
            #expect(rows.map(\.name) == fields.map { "\($0.name)" }, "of \(event.rawValue)")
            for (row, field) in zip(rows, fields) {
                #expect(
                    row.mayBeLeftOut == (field.value == nil),
                    "\(field.name) of \(event.rawValue)")
            }
        }
    }

    @Test func everyField_isInASample() {
        for event in Record.Event.allCases {
            let fields = Samples.fullest.map(\.schema).filter { $0.event == event }
                .flatMap(\.fields)
            let filled = Set(fields.filter { $0.value != nil }.map { "\($0.name)" })
            #expect(filled == Set(fields.map { "\($0.name)" }), "of \(event.rawValue)")
            #expect(!fields.isEmpty, "of \(event.rawValue)")
        }
    }

    @Test func fieldsOfEveryEvent_areThoseOfThePage() throws {
        let trail = try Trail()
        let recorder = trail.recorder(Samples.session, trail.budget())
        recorder.omit(1, commands: 0)
        trail.leave()
        trail.recorder().record(.reload(.certificates, failure: nil))
        try eventually("it is lost") { trail.file.waiting == 0 }
        trail.comeBack()
        recorder.record(.sessionStart(conversation: "x"))
        let line = try trail.read()
        let keys = try JSONDecoder().decode([String: Anything].self, from: Data(line.utf8)).keys
        let rows = try Page()["Every event"].rows
        #expect(Set(rows.map(\.name)) == Set(keys).subtracting(["protocol"]))
        let places = rows.compactMap { line.firstRange(of: "\"\($0.name)\":")?.lowerBound }
        #expect(places == places.sorted())
        // The server's own records have none of a session's.
        let always = rows.filter { !$0.mayBeLeftOut }.map(\.name)
        trail.recorder().record(.reload(.certificates, failure: nil))
        let own = try JSONDecoder().decode(
            [String: Anything].self, from: Data(try trail.read().utf8)
        ).keys
        #expect(Set(own).subtracting(["what", "outcome"]) == Set(always))
    }

    @Test func messageIDs_areThoseOfThePage() throws {
        let rows = try Page()["In the journal"].rows
        #expect(rows.map(\.name) == Record.Event.allCases.map(\.rawValue))
        let ids = Record.Event.allCases.map(\.messageID)
        #expect(rows.map { $0.cells[1].filter { $0 != "`" } } == ids)
        #expect(Set(ids).count == ids.count)
        for id in ids { #expect(id.wholeMatch(of: #/[0-9a-f]{32}/#) != nil) }
    }

    @Test func outcomesAndCodes_areThoseOfThePage() throws {
        let page = try Page()
        #expect(
            try page["Outcomes"].rows.map(\.name) == CommandOutcome.Word.allCases.map(\.rawValue))
        #expect(try page["Codes"].rows.map(\.name) == Refusal.Code.allCases.map(\.word))
        let what = try #require(try page["reload"].rows.first { $0.name == "what" })
        for files in ReloadedFiles.allCases {
            #expect(what.cells[1].contains("`\(files.rawValue)`"))
        }
    }
}

private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
}

/// The page's parts, by their headings, with the rows of their tables.
private struct Page {
    struct Part {
        let name: String
        let isEvent: Bool
        var rows: [Row] = []
    }

    struct Row {
        let cells: [String]
        var name: String { cells[0].filter { $0 != "`" } }
        var mayBeLeftOut: Bool { cells[2] != "" }
    }

    private(set) var parts: [Part] = []

    init() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try #require(FileManager.default.contents(atPath: "/\(root)/docs/audit.md"))
        for line in String(decoding: page, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("#") {
                let name = line.drop { $0 == "#" || $0 == " " }.filter { $0 != "`" }
                parts.append(Part(name: name, isEvent: line.hasPrefix("### `")))
            } else if line.hasPrefix("| `") {
                let cells = line.dropFirst().dropLast().split(
                    separator: "|", omittingEmptySubsequences: false)
                parts[parts.count - 1].rows.append(
                    Row(cells: cells.map { $0.trimmingPrefix(" ").trimmed }))
            }
        }
    }

    subscript(name: String) -> Part {
        get throws { try #require(parts.first { $0.name == name }, "\(name)") }
    }
}

extension Substring {
    /// Without the blanks at its end.
    fileprivate var trimmed: String {
        var rest = self
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
