// What is gathered while a table is read.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What commands share, and what is to be said of a table that is good.
struct TableNotes {
    var patterns = PatternStock()
    var users: UserReader
    /// What programs have of control groups; nil where that wasn't looked at.
    let groups: ControlGroupSupport?
    private(set) var warnings: [(code: TableWarning.Code, offset: Int, sentence: String)] = []
    /// Those that there was no room for.
    private(set) var omitted = 0

    init(_ users: ProgramUsers, _ groups: ControlGroupSupport?) {
        self.users = UserReader(users)
        self.groups = groups
    }

    /// - Parameter sentence: without its full stop, and without control characters.
    mutating func warn(_ code: TableWarning.Code, _ offset: Int, _ sentence: String) {
        guard warnings.count < Self.mostWarnings else {
            omitted += 1
            return
        }
        warnings.append((code, offset, sentence))
    }

    /// Each is looked for in the text, which takes its length; nobody reads more.
    private static let mostWarnings = 100
}
