// What SIGHUP causes: the files are read again, and the audit trail is reopened.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Records
internal import Sockets
internal import System
internal import TLS

/// Reads the server's files off its loops, one reading at a time, with descriptors that were held
/// back for that purpose. Confined to the main loop.
final class Reload {
    /// Puts into use what was read; calls back when it is in force everywhere, or with the reason
    /// why it can't be.
    typealias Use = (CommandTable?, TLSContext?, _ done: @escaping ((any Error)?) -> Void) -> Void

    /// Whether a reading is under way; another one then waits for it to end. Several requests that
    /// come meanwhile are one, since it reads what is there when it begins.
    private enum Progress {
        case none
        case underWay
        case underWayAndAskedAgain
    }

    private let options: ServerOptions
    private let audit: AuditFile?
    /// Nil if no records are kept.
    private let recorder: Recorder?
    private let main: EventLoop
    private let log: Log
    private let reserve = DescriptorReserve.shared
    private var refill: Timer?
    private var reading = Progress.none
    /// No file that is being read is open any more.
    private var isLookedAt = false
    private var take: Use = { _, _, done in done(nil) }
    private var done: () -> Void = {}
    private var callers: ReloadCallers

    /// - Parameter folder: the folder with the sockets of those who wait for a result; nil for
    ///   none.
    init(_ office: Office, main: EventLoop, log: Log, folder: String? = nil) {
        callers = ReloadCallers(folder: folder)
        options = office.options
        audit = office.audit
        recorder = office.trail
        self.main = main
        self.log = log
    }

    /// Holds back descriptors, before any program is started.
    func holdBack() {
        guard hasFiles else { return }
        // Nothing accepts connections in this process.
        reserve.hold(loops: 0)
    }

    /// A thread is still reading, or examining what was read.
    var isUnderWay: Bool { if case .none = reading { false } else { true } }

    /// Reads certificates, keys and CRLs again, and the table, each completely or not at all, and
    /// reopens the audit file. Sessions continue meanwhile.
    ///
    /// - Parameters:
    ///   - caller: the process that asked for it; 0 if unknown.
    ///   - use: called with what could be read, nil for the rest.
    ///   - done: called when the log says how it went.
    func begin(for caller: Int32 = 0, use: @escaping Use, done: @escaping () -> Void) {
        (take, self.done) = (use, done)
        callers.add(caller, isLate: isUnderWay)
        guard hasFiles else {
            log.write("SIGHUP: there is nothing to reload in plaintext")
            callers.answer()
            return done()
        }
        reserve.lend()
        // First, so that what follows goes to the new file; also while files are being read, which
        // may take forever if their file system hangs.
        do throws(AuditError) {
            try audit?.reopen()
        } catch {
            let sentence = "SIGHUP: still writing the audit trail to the old file: \(error.told)"
            log.write(sentence)
            callers.note(sentence, isLate: isUnderWay)
        }
        guard case .none = reading else {
            // The files of the reading under way may already have been read.
            reading = .underWayAndAskedAgain
            if isLookedAt { filesAreRead() }
            return log.write(
                "SIGHUP: the previous reload is still reading the files; they will be read again after it"
            )
        }
        startReading()
    }

    /// Nothing from the reserve is in use.
    private func startReading() {
        reading = .underWay
        isLookedAt = false
        let bound = LoopBound(self, to: main)
        let read: @Sendable () -> FileReading = { [options] in
            FileReading(options) { bound.execute { $0.filesAreRead() } }
        }
        do throws(StreamError) {
            try main.beside(read) { self.use($0) }
        } catch {
            // A revocation must not wait until a thread can be started.
            use(read())
        }
    }

    /// No more files will be opened; what was read is being examined.
    private func filesAreRead() {
        isLookedAt = true
        if hasFiles { noteReserve(isWhole: reserve.takeBack()) }
    }

    /// Tries again while some are missing: programs that are being started have them.
    private func noteReserve(isWhole: Bool) {
        refill =
            isWhole
            ? nil
            : Timer(after: Self.patience, on: main) { [unowned self] in fillReserve() }
    }

    private func fillReserve() { noteReserve(isWhole: reserve.fill()) }

    private func use(_ read: FileReading) {
        filesAreRead()
        take(try? read.table?.get(), try? read.context?.get()) { [unowned self] in
            tell(read, $0)
        }
    }

    /// Reports what is in force now: whoever reads that in the log may rely on it.
    ///
    /// - Parameter failure: why none of it is.
    private func tell(_ read: FileReading, _ failure: (any Error)?) {
        if let context = read.context { tell("certificates", .certificates, context, failure) }
        if let table = read.table { tell("command table", .commandTable, table, failure) }
        let isAskedAgain = if case .underWayAndAskedAgain = reading { true } else { false }
        reading = .none
        callers.answer()
        if isAskedAgain {
            reserve.lend()
            startReading()
        }
        done()
    }

    /// Part of the reading under way is not in force: says so in the log and to whoever asked for the reload.
    func fail(_ sentence: String) {
        log.write(sentence)
        callers.note(sentence)
    }

    /// Between two attempts to refill the reserve.
    private static let patience = Duration.milliseconds(100)

    private var hasFiles: Bool {
        options.security != nil || options.commands != nil || options.audit != nil
    }

    private func tell<Success>(
        _ what: String, _ files: ReloadedFiles, _ result: Result<Success, any Error>,
        _ failure: (any Error)?
    ) {
        switch result.flatMap({ failure.map { .failure($0) } ?? .success($0) }) {
        case .success:
            log.write("SIGHUP: \(what) reloaded")
            recorder?.record(.reload(files, failure: nil))
        case .failure(let error):
            fail("SIGHUP: kept the old \(what): \(error.told)")
            recorder?.record(.reload(files, failure: error.told))
        }
    }
}
