// What SIGHUP asks for: the files are read again, and the audit trail is opened again.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Records
internal import Sockets
internal import Synchronization
internal import System
internal import TLS

/// Reads the server's files beside its loops, one reading at a time, with descriptors that were held
/// back for them. Confined to the main loop, but for the calls that say otherwise.
final class Reload: @unchecked Sendable {
    typealias Use = (CommandTable?, TLSContext?) -> Void

    private let options: ServerOptions
    private let audit: AuditFile?
    private let main: EventLoop
    private let log: Log
    private let reserve = DescriptorReserve.shared
    private let isShortOfReserve = Atomic<Bool>(false)
    private let reads = Atomic<Bool>(false)
    private var reading = FileReading.Progress.none
    private var filesRead: () -> Void = {}
    private var take: Use = { _, _ in }
    private var done: () -> Void = {}

    init(_ options: ServerOptions, audit: AuditFile?, main: EventLoop, log: Log) {
        self.options = options
        self.audit = audit
        self.main = main
        self.log = log
    }

    /// Holds descriptors back, before anybody connects.
    ///
    /// - Parameter loops: how many accept connections.
    func holdBack(loops: Int) {
        guard hasFiles else { return }
        isShortOfReserve.store(!reserve.hold(loops: loops), ordering: .relaxed)
    }

    /// Files are being read, for which the descriptors are that are free now. From any thread.
    var readsFiles: Bool { reads.load(ordering: .relaxed) }

    /// A thread still reads or looks at what was read.
    var isUnderWay: Bool { if case .none = reading { false } else { true } }

    /// From any thread.
    func descriptorsFreed() {
        if isShortOfReserve.load(ordering: .relaxed) { main.execute { self.refillReserve() } }
    }

    /// Reads certificates, keys and CRLs again, and the table, each whole or not at all, and opens
    /// the audit file again. Sessions go on meanwhile.
    ///
    /// - Parameters:
    ///   - filesRead: called when no more file is to be opened, so that accepting goes on.
    ///   - use: called with what could be read, nil for the rest.
    ///   - done: called when the log says how it went.
    func begin(
        filesRead: @escaping () -> Void, use: @escaping Use, done: @escaping () -> Void
    ) {
        guard hasFiles else {
            return log.write("SIGHUP: there is nothing to read again in plaintext")
        }
        (self.filesRead, take, self.done) = (filesRead, use, done)
        let wasReading = readsFiles
        reads.store(true, ordering: .sequentiallyConsistent)
        reserve.lend()
        // First, so that what follows is in the new file; and also while files are being read, which
        // may take as long as it likes where their file system hangs.
        do throws(AuditError) {
            try audit?.reopen()
        } catch {
            let why = ConfigurationError(error)
            log.write("SIGHUP: the audit trail goes on in the old file: \(why)")
        }
        guard case .none = reading else {
            reading = .underWayAndAskedAgain
            if !wasReading { filesAreRead() }
            return log.write(
                "SIGHUP: the files are still being read for the previous one; they will be read again after that"
            )
        }
        startReading()
    }

    /// Nothing of the reserve is held.
    private func startReading() {
        reading = .underWay
        let read: @Sendable () -> FileReading = { [self] in
            FileReading(options) { main.execute { self.filesAreRead() } }
        }
        do throws(StreamError) {
            try main.beside(read) { self.use($0) }
        } catch {
            // A revocation must not wait for a thread to be had.
            use(read())
        }
    }

    /// Nothing more is to be opened: whoever waits may connect, while what was read is looked at.
    private func filesAreRead() {
        if hasFiles { isShortOfReserve.store(!reserve.takeBack(), ordering: .relaxed) }
        reads.store(false, ordering: .sequentiallyConsistent)
        filesRead()
    }

    private func use(_ read: FileReading) {
        filesAreRead()
        take(try? read.table?.get(), try? read.context?.get())
        if let context = read.context { tell("certificates", "certificates", context) }
        if let table = read.table { tell("command table", "the command table", table) }
        done()
        let isAskedAgain = if case .underWayAndAskedAgain = reading { true } else { false }
        reading = .none
        guard isAskedAgain else { return }
        reads.store(true, ordering: .sequentiallyConsistent)
        reserve.lend()
        startReading()
    }

    private var hasFiles: Bool {
        options.security != nil || options.commands != nil || options.audit != nil
    }

    private func refillReserve() {
        guard hasFiles else { return }
        isShortOfReserve.store(!reserve.fill(), ordering: .relaxed)
    }

    /// - Parameter recorded: what it is called in the audit trail.
    private func tell<Success>(
        _ what: String, _ recorded: String, _ result: Result<Success, any Error>
    ) {
        var record = JSONLine(event: "reload")
        record.add("what", recorded)
        switch result {
        case .success:
            record.add("outcome", "in-force")
            log.write("SIGHUP: \(what) reloaded")
        case .failure(let error):
            record.add("outcome", "old-stays")
            record.add("reason", "\(error)")
            log.write("SIGHUP: kept the old \(what): \(error)")
        }
        guard let loss = audit?.write(record, isDurable: true), loss.isFirst else { return }
        log.writeLoss(loss.reason)
    }
}
