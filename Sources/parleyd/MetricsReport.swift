// What the metrics file says, and when.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Records
internal import Sockets
internal import System
internal import TLS

/// Has the metrics written every 15 s, after each reload and at the end. Confined to the main loop.
final class MetricsReport {
    private let office: Office
    private let book: MetricsBook
    private let file: MetricsFile
    private let started = secondsSince1970()
    private var timer: Timer?

    /// - Returns: nil if no file is asked for. What keeps it from being written goes to the log, and ends nothing: a server
    ///   that isn't watched still serves.
    init?(_ office: Office) {
        guard let path = office.options.metrics, let book = office.book else { return nil }
        let log = LoopBound(office.log, to: office.loop)
        do throws(Errno) {
            file = try MetricsFile(path) { news in log.execute { $0.write(news) } }
        } catch {
            office.log.write("no metrics are written: no thread can be started (\(error))")
            return nil
        }
        self.office = office
        self.book = book
    }

    /// Has them written now, and from time to time from here on.
    func write() {
        file.write(book.metrics, state(isUp: true))
        timer = Timer(after: Self.interval, on: office.loop) { [unowned self] in write() }
    }

    /// The last call: the file says that the server has ended, with its last counts.
    func end() {
        timer = nil
        file.finish(book.metrics, state(isUp: false), within: Self.patience)
    }

    private func state(isUp: Bool) -> ServerState {
        ServerState(
            isUp: isUp, version: programVersion, library: openSSLVersion, started: started,
            now: secondsSince1970(), sessions: isUp ? office.attendance.sessions : 0,
            sessionLimit: office.options.maxSessions,
            programs: isUp ? office.attendance.programs : 0,
            expiries: (office.policy.context?.expiries ?? []).map { ServerState.Expiry($0) })
    }

    /// As often as Prometheus usually reads.
    private static let interval = Duration.seconds(15)
    /// For a disk that hangs.
    private static let patience = Duration.seconds(2)
}

extension ServerState.Expiry {
    fileprivate init(_ expiry: Expiry) {
        let role: Role =
            switch expiry.kind {
            case .certificate: .server
            case .chain: .chain
            case .authority: .clientCA
            case .list: .crl
            }
        self.init(role, subject: expiry.name, end: expiry.end)
    }
}

extension Log {
    fileprivate func write(_ news: MetricsFile.News) {
        switch news {
        case .fails(let error):
            write("the metrics file \(error); it is tried again every 15 s")
        case .works: write("the metrics file is being written again")
        }
    }
}
