// What is collected while a table is read.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What commands share, and the warnings about a valid table.
struct TableNotes {
    var patterns = PatternStock()
    var users: UserReader
    /// What control groups programs can have; nil if that wasn't checked.
    let groups: ControlGroupSupport?
    private(set) var warnings: [(code: TableWarning.Code, offset: Int, sentence: String)] = []
    /// How many there was no room for.
    private(set) var omitted = 0

    init(_ users: ProgramUsers, _ groups: ControlGroupSupport?) {
        self.users = UserReader(users)
        self.groups = groups
    }

    /// - Parameter sentence: without its full stop, and without control characters.
    mutating func warn(_ code: TableWarning.Code, _ offset: Int, _ sentence: String) {
        guard warnings.count < Self.maxWarnings else {
            omitted += 1
            return
        }
        warnings.append((code, offset, sentence))
    }

    /// Locating each takes time proportional to the text; nobody reads more.
    private static let maxWarnings = 100
}
