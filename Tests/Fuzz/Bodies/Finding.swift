// What a fuzzer reports.
// SPDX-License-Identifier: Apache-2.0

/// A promise that was not kept for some input.
struct Finding: Error, CustomStringConvertible {
    let description: String
}

func require(_ isKept: Bool, _ promise: @autoclosure () -> String) throws(Finding) {
    guard isKept else { throw Finding(description: promise()) }
}

/// As bytes: a String compares by canonical equivalence.
func isSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }

func isSame(_ some: [String], _ others: [String]) -> Bool {
    some.elementsEqual(others) { isSame($0, $1) }
}

/// One line without what could move a cursor or turn the direction of writing.
func isPrintable(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy {
        switch $0.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
