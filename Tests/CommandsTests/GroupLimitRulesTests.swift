// Limits that need a control group: where they are taken, and where they are a mistake.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands
@testable import System

@Suite struct GroupLimitRulesTests {
    private static let text = command(
        "memory: 67108864, processes: 0x10, cpu: 1.5, allow: ['anyone']")

    private func table(_ support: ControlGroupSupport?) throws(TableError) -> CommandTable {
        try CommandTable(text: Self.text, name: "t", groups: support)
    }

    private func support(_ controllers: Set<Controller>) -> ControlGroupSupport {
        ControlGroupSupport(in: ControlGroup("/g"), controllers, shortage: "the rest is missing")
    }

    @Test func limits_areRead() throws {
        let table = try table(support(Set(Controller.allCases)))
        let limits = table.programs.first?.program.limits
        #expect(limits == ControlGroupLimits(memory: 64 << 20, processes: 16, cpu: 1.5))
        #expect(table.warnings.isEmpty)
    }

    /// Somebody relies on it.
    @Test(arguments: Controller.allCases)
    func limitThatCannotBeInForce_isAMistake(missing: Controller) {
        let error = #expect(throws: TableError.self) {
            try table(support(Set(Controller.allCases).subtracting([missing])))
        }
        #expect(error?.code == .impossibleLimit)
        #expect(
            error?.description.contains(
                "'\(missing.limit)' can't be enforced: the rest is missing;") == true)
        #expect(error.map { isSentence($0.description) } == true)
    }

    @Test func limits_areAMistake_whereThereAreNoGroups() {
        let error = #expect(throws: TableError.self) {
            try table(ControlGroupSupport(without: "nobody gave any"))
        }
        let before = Self.text.prefix { $0 != "6" }.count
        #expect(error?.column == before + 1)
        #expect(error?.sentence.contains("nobody gave any") == true)
    }

    @Test func limits_areToldOf_whereItWasNotLookedAt() throws {
        let warnings = try table(nil).warnings
        #expect(warnings.map(\.code) == [.unseenLimit, .unseenLimit, .unseenLimit])
        #expect(warnings.allSatisfy { isSentence($0.description) })
    }

    @Test func tableWithoutLimits_needsNoGroups() throws {
        let text = command("allow: ['anyone']")
        let table = try CommandTable(
            text: text, name: "t", groups: ControlGroupSupport(without: "none"))
        #expect(table.warnings.isEmpty)
    }
}
