// An audit file of a test's own.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import System
import Testing

@testable import Records

/// A named pipe as an audit file, which holds a page. Whoever reads it is the test. Used by one test alone.
final class Trail {
    /// Bytes that the pipe holds.
    let room: Int
    let file: AuditFile
    let news = News()
    let clock = Clock()
    let path: String
    private let folder: Folder
    private var reader: Int32
    private var text = ""

    /// What the log was told. From any thread.
    final class News: Sendable {
        private let items = Mutex<[AuditNews]>([])
        func add(_ item: AuditNews) { items.withLock { $0.append(item) } }
        var all: [AuditNews] { items.withLock { $0 } }
        var losses: [AuditError] {
            all.compactMap { if case .loses(let error) = $0 { error } else { nil } }
        }
        /// Each as its first word.
        var words: [String] {
            all.map { String("\($0)".prefix { $0.isLetter }) }
        }
    }

    /// The budgets' clock.
    final class Clock {
        var now = Moment(nanoseconds: 1_000_000_000_000)
    }

    /// - Parameter room: bytes that the pipe holds, as the kernel rounds them up.
    init(
        room: Int = 4_096, sync: (@Sendable (OpenedTrail) -> Errno?)? = nil,
        limits: AuditLimits = AuditLimits(),
        floor: @escaping @Sendable () -> DiskFloor = { DiskFloor(0) }
    ) throws {
        // As the server does.
        signal(SIGPIPE, SIG_IGN)
        folder = try Folder()
        path = folder["audit"]
        let isMade = unsafe mkfifo(path, 0o600) == 0
        try #require(isMade)
        reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        self.room = Int(fcntl(reader, Self.setSize, Int32(room)))
        try #require(self.room >= room)
        file = try AuditFile(path, sync: sync, limits: limits, floor: floor) { [news] in
            news.add($0)
        }
    }

    deinit { close(reader) }

    func budget(_ bytesASecond: Int = 1 << 20) -> Budget {
        Budget(rate: bytesASecond) { [clock] in clock.now }
    }

    func budgets(_ bytesASecond: Int) -> Budgets {
        Budgets(file, rate: bytesASecond) { [clock] in clock.now }
    }

    /// A recorder that writes to it.
    func recorder(_ session: RecordedSession? = nil, _ budget: Budget? = nil) -> Recorder {
        Recorder(file, session, budget: budget)
    }

    /// Has nobody read any more.
    func leave() {
        close(reader)
        reader = -1
    }

    /// Has somebody read again, who is another one.
    func comeBack() {
        reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        #expect(reader >= 0)
    }

    /// Another file takes its name; the pipe stays open.
    func moveAway() { folder.rename("audit", to: "audit.1") }

    func read(_ name: String) -> String { folder.read(name) }

    /// Whole lines that have come since the last call, once nothing is on its way any more.
    func read() throws -> String {
        try eventually("all is written") {
            drain()
            return file.waiting == 0
        }
        drain()
        defer { text = "" }
        return text
    }

    /// Reads at least that many bytes.
    func read(atLeast count: Int) throws -> String {
        try eventually("\(count) bytes have come") {
            drain(upTo: count)
            return text.utf8.count >= count
        }
        defer { text = "" }
        return text
    }

    private func drain(upTo count: Int = .max) {
        var bytes = [UInt8](repeating: 0, count: room)
        while text.utf8.count < count {
            let count = unsafe Glibc.read(reader, &bytes, bytes.count)
            guard count > 0 else { return }
            text += String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }

    /// F_SETPIPE_SZ, which Swift's Glibc lacks.
    private static let setSize: Int32 = 1_031
}

/// Waits until something is so.
func eventually(_ what: String, _ condition: () throws -> Bool) throws {
    let end = Moment.now + .seconds(30)
    while try !condition() {
        let isInTime = Moment.now < end
        try #require(isInTime, "not in time: \(what)")
        usleep(1_000)
    }
}

/// A record without its time, which must be the first field of a line that is whole.
func untimed(_ line: String) throws -> String {
    let time = #/^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",(.*\})\n$/#
    let match = try time.wholeMatch(in: line)
    return "{" + String(try #require(match, "\(line)").1)
}

/// The lines of a text, each of which must be whole and an object.
func lines(_ text: String) throws -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let last = lines.popLast() ?? ""
    #expect(last.isEmpty, "torn: \(last.suffix(100))")
    for line in lines where !line.hasPrefix(#"{"time":""#) || !line.hasSuffix("}") {
        Issue.record("no record: \(line.prefix(200))")
    }
    return lines
}

/// What a start's record came to. From any thread.
final class Fate: Sendable {
    private let fate = Mutex<StartFate?>(nil)
    var value: StartFate? { fate.withLock { $0 } }
    var settle: @Sendable (StartFate) -> Void {
        { value in self.fate.withLock { $0 = value } }
    }

    /// Waits for that start's record.
    func wait(for command: RecordedCommand?) {
        if let known = command?.start?.wait() { settle(known) }
    }
}

/// A number that several threads share.
final class Locked: Sendable {
    private let mutex: Mutex<UInt64>
    init(_ value: UInt64) { mutex = Mutex(value) }
    var value: UInt64 {
        get { mutex.withLock { $0 } }
        set { mutex.withLock { $0 = newValue } }
    }
}
