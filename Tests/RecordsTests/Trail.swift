// An audit file of a test's own.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Records
import Testing

/// A named pipe as an audit file. It takes one record, of which it holds as much as has room in it, and
/// nothing more until the test has read that. Used by one test alone.
final class Trail {
    /// Bytes that the pipe holds.
    let room: Int
    let file: AuditFile
    /// What was said of records that were lost.
    private(set) var losses: [AuditError] = []
    /// The recorders' clock, in seconds.
    var now = 1_000
    private let folder: Folder
    private var reader: Int32

    init() throws {
        folder = try Folder()
        let path = folder["audit"]
        let isMade = unsafe mkfifo(path, 0o600) == 0
        try #require(isMade)
        reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        // A page, whatever its size is.
        room = Int(fcntl(reader, Self.setSize, 4_096))
        try #require(room >= 4_096)
        file = try AuditFile(path, syncs: false)
    }

    deinit { close(reader) }

    /// A recorder that writes to it.
    func recorder(_ session: RecordedSession? = nil) -> Recorder {
        Recorder(
            file, session, now: { [unowned self] in now },
            lost: { [unowned self] in losses.append($0) })
    }

    /// Has nobody read any more, ever.
    func leave() {
        close(reader)
        reader = -1
    }

    /// What was written since the last call.
    func read() -> String {
        var bytes = [UInt8](repeating: 0, count: room)
        let count = unsafe Glibc.read(reader, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// F_SETPIPE_SZ, which Swift's Glibc lacks.
    private static let setSize: Int32 = 1_031
}

/// A record without its time, which must be the first field of a line that is whole.
func untimed(_ line: String) throws -> String {
    let time = #/^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",(.*\})\n$/#
    return "{" + String(try #require(try time.wholeMatch(in: line), "\(line)").1)
}
