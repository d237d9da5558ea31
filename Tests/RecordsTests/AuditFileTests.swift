// Whether records have arrived.
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
        #expect(recorder.record(start))
        for _ in 1...3 { #expect(!recorder.record(start)) }
        // Whoever loses one: the file is what can't be written.
        #expect(!trail.recorder().record(start))
        #expect(trail.losses.map(\.sentence) == ["nobody reads it"])
        #expect(trail.losses.map(\.code) == [.unread])
        #expect(try untimed(trail.read()) == line)
        #expect(recorder.record(start))
        #expect(
            try untimed(trail.read())
                == #"{"event":"session-start","protocol":"command","lost_before":4}"#)
        #expect(recorder.record(start))
        #expect(try untimed(trail.read()) == line)
        #expect(trail.losses.count == 1)
        // One was written in between.
        for _ in 1...2 { recorder.record(start) }
        #expect(trail.losses.count == 2)
    }

    @Test func lineThatIsTorn_isALoss_andTheNextBeginsALineOfItsOwn() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        let long = String(repeating: "x", count: trail.room)
        #expect(!recorder.record(.handshakeFailure(code: "reset", reason: long)))
        #expect(trail.losses.map(\.sentence) == ["only a part of the record could be written"])
        #expect(trail.losses.map(\.code) == [.torn])
        let torn = trail.read()
        #expect(torn.utf8.count == trail.room)
        #expect(!torn.contains("\n"))
        #expect(recorder.record(start))
        let next = trail.read()
        #expect(next.first == "\n")
        #expect(
            try untimed(String(next.dropFirst()))
                == #"{"event":"session-start","protocol":"command","lost_before":1}"#)
        #expect(recorder.record(start))
        #expect(try untimed(trail.read()) == line)
    }

    @Test func lossBehindATornLine_leavesItTorn() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        let long = String(repeating: "x", count: trail.room)
        recorder.record(.handshakeFailure(code: "reset", reason: long))
        #expect(!recorder.record(start))
        _ = trail.read()
        #expect(recorder.record(start))
        #expect(trail.read().first == "\n")
    }

    @Test func fileThatIsOpenedAgain_isTheOneOfThatName() throws {
        let folder = try Folder()
        let file = try AuditFile(folder["audit"], syncs: true)
        let recorder = Recorder(file, nil) { Issue.record("lost: \($0)") }
        #expect(folder.mode("audit") == 0o600)
        recorder.record(start)
        folder.rename("audit", to: "audit.1")
        recorder.record(.reload(.certificates, failure: nil))
        try file.reopen()
        recorder.record(.reload(.commandTable, failure: nil))
        #expect(folder.read("audit.1").count { $0 == "\n" } == 2)
        #expect(folder.read("audit").contains(#""what":"the command table""#))
    }

    @Test func lossThatTheSystemExplains_keepsItsReason() throws {
        // As the server does.
        signal(SIGPIPE, SIG_IGN)
        let trail = try Trail()
        trail.leave()
        #expect(!trail.recorder().record(start))
        #expect(trail.losses.map(\.sentence) == ["Broken pipe"])
        #expect(trail.losses.map(\.code) == [.system])
        #expect(trail.losses.map(\.cause) == [.system(Errno(EPIPE))])
    }

    @Test func fileThatCanNotBeOpened_isToldByItsPath_andKeepsTheReason() throws {
        let folder = try Folder()
        let path = folder["no/audit"]
        let opened = #expect(throws: AuditError.self) { try AuditFile(path, syncs: false) }
        let examined = #expect(throws: AuditError.self) { try AuditFile.examine(path) }
        for error in [opened, examined] {
            #expect(error?.code == .file)
            #expect(error?.sentence.hasPrefix("the audit file \(path): ") == true)
            #expect(error?.cause == .system(Errno(ENOENT)))
        }
        try AuditFile.examine(folder["audit"])
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
