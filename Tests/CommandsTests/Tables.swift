// Tables for tests, and how they are refused.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands
@testable import TestSupport

/// A code and the place of a mistake.
struct Refusal: Equatable {
    let code: TableError.Code
    let line: Int?
    let column: Int?

    init(_ code: TableError.Code, _ line: Int?, _ column: Int?) {
        self.code = code
        self.line = line
        self.column = column
    }
}

/// Why a text is refused; nil where it is a good table.
func refusal(of text: String) -> Refusal? {
    do throws(TableError) {
        _ = try CommandTable(text: text, name: "t")
        return nil
    } catch {
        #expect(isSentence(error.description), "\(error)")
        if let line = error.line, let column = error.column {
            #expect(error.description.hasPrefix("t:\(line):\(column): "))
        }
        return Refusal(error.code, error.line, error.column)
    }
}

/// Expects a mistake with a code at the position of `▶`, in a text of one line, which is read
/// without it.
func expect(
    _ code: TableError.Code, in marked: String, _ location: SourceLocation = #_sourceLocation
) {
    let parts = marked.split(separator: "▶", omittingEmptySubsequences: false)
    #expect(parts.count == 2, sourceLocation: location)
    let place = Refusal(code, 1, parts[0].unicodeScalars.count + 1)
    #expect(refusal(of: parts.joined()) == place, "\(marked)", sourceLocation: location)
}

/// One line without a full stop and without what could move a cursor.
func isSentence(_ text: String) -> Bool {
    !text.hasSuffix(".")
        && text.unicodeScalars.allSatisfy {
            $0.properties.generalCategory != .control && $0.properties.generalCategory != .format
        }
}

/// A single command `c` with a program, and the keys in addition to `run`.
func command(_ members: String, run: String = "['/bin/true']") -> String {
    "{commands: {c: {run: \(run), \(members)}}}"
}

func table(_ text: String) throws -> CommandTable { try CommandTable(text: text, name: "t") }

/// The program of the command `c`.
func program(_ text: String) throws -> ProgramEntry {
    let entry = try #require(try table(text)["c"])
    guard case .program(let program) = entry.action else { throw NoProgram() }
    return program
}

struct NoProgram: Error {}

extension ProgramEntry {
    /// The arguments alone of an invocation.
    func argv(for values: [String]) -> Result<[String], BadArgument> {
        var work = MatchingWork()
        return invocation(for: values, &work).map(\.arguments)
    }
}

extension Pattern {
    /// The verdict on a value that is alone in its request.
    func verdict(on value: String) -> Verdict {
        var work = MatchingWork()
        return verdict(on: value, &work)
    }
}

/// What is said of a text; nil where it is a good table.
func sentence(of text: String) -> String? {
    do throws(TableError) {
        _ = try CommandTable(text: text, name: "t")
        return nil
    } catch {
        return error.description
    }
}
