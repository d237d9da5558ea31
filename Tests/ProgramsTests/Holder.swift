// Who ends the programs of a test.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System

@testable import Programs

/// A keeper, or a control group alone: what a program may notice of its end is the same.
enum Holder: CaseIterable, Sendable {
    case keeper, group

    /// Those that there can be here.
    static var all: [Holder] { missing == nil ? allCases : [.keeper] }

    /// Why no group can hold a program alone; nil where it can.
    static var missing: String? {
        guard geteuid() == 0 else { return "only root can start programs of another user" }
        return Groups.missing
    }

    /// - Parameter groups: for programs of whom no keeper is needed; nil where there is none.
    func held(_ start: ProgramStart, in groups: CommandGroups?) -> ProgramStart {
        var start = start
        switch self {
        case .keeper: break
        case .group:
            start.rights = ProgramRights(user: Self.user)
            start.groups = groups
        }
        return start
    }

    static let user = UserNumbers(user: 61_001, group: 61_002)
}
