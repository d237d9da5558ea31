// Whether records have arrived, and where.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Records

@Suite
struct AuditFileTests {
    private let start = Record.sessionStart(conversation: "command")
    private let line = #"{"event":"session-start","protocol":"command"}"#

    @Test func lostRecords_areToldOnce_andCountedInTheNext() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        recorder.record(start)
        #expect(try untimed(trail.read()) == line)
        trail.leave()
        for _ in 1...3 { recorder.record(start) }
        // Whoever loses one: the file is what can't be written.
        trail.recorder().record(.reload(.certificates, failure: nil))
        try eventually("they are lost") { trail.file.waiting == 0 }
        #expect(trail.news.losses.map(\.sentence) == ["Broken pipe"])
        #expect(trail.news.losses.map(\.code) == [.system])
        #expect(trail.news.losses.map(\.cause) == [.system(Errno(EPIPE))])
        trail.comeBack()
        recorder.record(start)
        #expect(
            try untimed(trail.read())
                == #"{"event":"session-start","protocol":"command","lost_before":4}"#)
        recorder.record(start)
        #expect(try untimed(trail.read()) == line)
        #expect(trail.news.words == ["loses"])
        // One was written in between.
        trail.leave()
        for _ in 1...2 { recorder.record(start) }
        try eventually("they are lost") { trail.file.waiting == 0 }
        #expect(trail.news.words == ["loses", "loses"])
    }

    @Test func fileThatIsOpenedAgain_isTheOneOfThatName_forWhatIsDecidedAfterThat() throws {
        let folder = try Folder()
        let file = try AuditFile([.file(folder["audit"])], syncs: true)
        let recorder = Recorder(file, nil)
        #expect(folder.mode("audit") == 0o600)
        for _ in 1...500 { recorder.record(start) }
        folder.rename("audit", to: "audit.1")
        for _ in 1...500 { recorder.record(.reload(.certificates, failure: nil)) }
        try file.reopen()
        recorder.record(.reload(.commandTable, failure: nil))
        #expect(file.finish(within: .seconds(30)) == 0)
        #expect(try lines(folder.read("audit.1")).count == 1_000)
        #expect(try lines(folder.read("audit")).count == 1)
        #expect(folder.read("audit").contains(#""what":"the command table""#))
    }

    /// That after a rotation as the one before it.
    @Test func aFileForAGroup_staysOne_whenItIsOpenedAgain() throws {
        let folder = try Folder()
        let place = AuditPlace.file(
            folder["audit"], readableBy: KnownGroup(name: "own", number: getegid()))
        let file = try AuditFile([place], syncs: false)
        #expect(folder.mode("audit") == 0o640)
        folder.rename("audit", to: "audit.1")
        try file.reopen()
        #expect(folder.mode("audit") == 0o640 && folder.mode("audit.1") == 0o640)
        // What can't be given to it is not taken, and records go on in the old one.
        folder.rename("audit", to: "audit.2")
        try #require(unsafe mkfifo(folder["audit"], 0o600) == 0)
        let error = #expect(throws: AuditError.self) { try file.reopen() }
        #expect(error?.sentence.contains("it is not a regular file") == true)
        Recorder(file, nil).record(start)
        #expect(file.finish(within: .seconds(30)) == 0)
        #expect(try lines(folder.read("audit.2")).count == 1)
        #expect(folder.mode("audit") == 0o600)
    }

    @Test func aStart_isSettledWhenItIsInTheFile() throws {
        for syncs in [false, true] {
            let folder = try Folder()
            let file = try AuditFile([.file(folder["audit"])], syncs: syncs)
            let recorder = Recorder(file, nil)
            let fates = (1...50).map { _ in Fate() }
            for fate in fates {
                let command = recorder.start("ls", [], program: "/bin/ls", settled: fate.settle)
                #expect(command != nil)
                fate.wait(for: command)
            }
            for (index, fate) in fates.enumerated() {
                try eventually("it is settled") { fate.value != nil }
                #expect(fate.value == .recorded)
                #expect(folder.read("audit").contains("\"command\":\(index + 1),"))
            }
        }
    }

    /// It would wake whoever has asked, and who asks later finds it out by itself.
    @Test func aStartThatNobodyWaitsFor_isNotTold_andKnownAllTheSame() throws {
        let folder = try Folder()
        let file = try AuditFile([.file(folder["audit"])], syncs: false)
        let fate = Fate()
        let command = Recorder(file, nil).start(
            "ls", [], program: "/bin/ls", settled: fate.settle)
        try eventually("it is written") { file.waiting == 0 }
        #expect(file.finish(within: .seconds(30)) == 0)
        #expect(fate.value == nil)
        #expect(command?.start?.wait() == .recorded)
    }

    @Test func whatIsDecidedAfterTheEnd_isNotTaken() throws {
        let folder = try Folder()
        let file = try AuditFile([.file(folder["audit"])], syncs: false)
        let recorder = Recorder(file, nil)
        recorder.record(start)
        #expect(file.finish(within: .seconds(30)) == 0)
        #expect(recorder.start("ls", [], program: "/bin/ls", settled: { _ in }) == nil)
        #expect(try lines(folder.read("audit")).count == 1)
    }

    @Test func fileThatCanNotBeOpened_isToldByItsPath_andKeepsTheReason() throws {
        let folder = try Folder()
        let path = folder["no/audit"]
        let opened = #expect(throws: AuditError.self) { try AuditFile([.file(path)], syncs: false) }
        let examined = #expect(throws: AuditError.self) { try AuditFile.examine(.file(path)) }
        for error in [opened, examined] {
            #expect(error?.code == .file)
            #expect(error?.sentence.hasPrefix("the audit file \(path): ") == true)
            #expect(error?.cause == .system(Errno(ENOENT)))
        }
        try AuditFile.examine(.file(folder["audit"]))
        #expect(folder.mode("audit") == nil)
    }

    @Test func standardErrorThatCanNotBeHad_keepsTheReason_andHasARemedy() {
        let error = AuditError(standardError: Errno(EMFILE))
        #expect(error.code == .standardError)
        #expect(
            error.sentence
                == "the audit trail cannot be written to standard error (Too many open files)")
        #expect(error.remedy == .nameFile)
        #expect(error.cause == .system(Errno(EMFILE)))
    }
}
