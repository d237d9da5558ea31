// `parleyd reload`: makes a server reload its files, and waits for the result.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Console
internal import Glibc
internal import Sockets
internal import System

/// Sends SIGHUP to a server started by its service manager, waits until what was read is in force, and exits with 0, or
/// with 1 and the reasons if something was not reloaded. So `systemctl reload` fails if the reload did.
struct ReloadRequest {
    private let process: Int32
    private let folder: String

    /// - Parameters:
    ///   - words: the command line after `reload`; `--help` ends the process.
    ///   - environment: MAINPID is the server if none is named; RUNTIME_DIRECTORY is the folder that both share.
    /// - Throws: `UsageError`.
    init(_ words: [String], environment: (String) -> String?) throws {
        let arguments = try Arguments(words, flags: ["help"], valued: [])
        if arguments.has("help") { endAfterPrinting(Self.help, failure: 64) }
        if let extra = arguments.allOperands.dropFirst().first {
            throw UsageError("unexpected argument '\(extra)'; reload takes one process ID")
        }
        guard let text = arguments.allOperands.first ?? environment("MAINPID") else {
            throw UsageError("reload needs the server's process ID")
        }
        guard let process = Int32(text), process > 1 else {
            throw UsageError("'\(text)' is not a process ID")
        }
        self.process = process
        folder = ServiceNotice.folder(environment) ?? "/run/parley"
    }

    /// - Throws: `ConfigurationError` or `StreamError` if no reload could be requested, or its result is unknown.
    func run() throws -> Never {
        let failures = try outcome().failures
        for failure in failures { Log.write("parleyd", failure) }
        exit(failures.isEmpty ? 0 : 1)
    }

    private func outcome() throws -> ReloadOutcome {
        let server = Descriptor(owning: parley_pidfd_open(process))
        guard server.number >= 0 else { throw failure(.last) }
        guard Self.name(of: process) == "parleyd" else {
            throw ConfigurationError(
                .notReloaded, "process \(process) is not parleyd; no signal was sent")
        }
        let answers: LocalDatagrams
        let path = ReloadOutcome.path(folder, of: getpid())
        // Left by a process that had this ID before and was killed.
        _ = unsafe unlink(path)
        do throws(StreamError) {
            answers = try LocalDatagrams(at: path)
        } catch {
            throw error.saying(
                "cannot wait for the result, so no signal was sent: \(error.sentence); run this as the user of a server that systemd started, or send SIGHUP (kill -HUP \(process)) and look at the server's log"
            )
        }
        return try wait(answers, server)
    }

    private func failure(_ reason: Errno) -> ConfigurationError {
        ConfigurationError(.notReloaded, "cannot reload: process \(process): \(reason)")
    }

    private func wait(
        _ answers: LocalDatagrams, _ server: borrowing Descriptor
    ) throws(ConfigurationError) -> ReloadOutcome {
        let end = Moment.now + Self.patience
        var asks = Moment.now
        var waited = [
            pollfd(fd: answers.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server.number, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let left = (end - .now) / .milliseconds(1)
            guard left > 0 else {
                throw ConfigurationError(
                    .notReloaded,
                    "the server did not report the result of the reload within \(Self.patience.words); see its log"
                )
            }
            if asks <= .now {
                // Of two signals that arrive together the kernel reports one, and so only one
                // sender.
                guard kill(process, SIGHUP) == 0 else { throw failure(.last) }
                asks = .now + Self.pause
            }
            let pause = min(left, max(0, (asks - .now) / .milliseconds(1)))
            let count = unsafe poll(&waited, 2, Int32(pause.rounded(.up)))
            if count < 0, errno != EINTR {
                throw ConfigurationError(.notReloaded, "cannot wait for the result: \(Errno.last)")
            }
            guard count > 0 else { continue }
            if waited[0].revents != 0,
                let outcome = answers.receive(limit: ReloadOutcome.longest).flatMap({
                    ReloadOutcome($0)
                })
            {
                return outcome
            }
            if waited[1].revents != 0 {
                throw ConfigurationError(
                    .notReloaded, "the server ended before it had reloaded its files")
            }
        }
    }

    private static func name(of process: Int32) -> String? {
        let file = Descriptor(owning: unsafe open("/proc/\(process)/comm", O_RDONLY | O_CLOEXEC))
        guard file.number >= 0 else { return nil }
        return String(decoding: file.contents().prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private static let patience = Duration.seconds(60)
    /// Before it asks again.
    private static let pause = Duration.seconds(5)

    private static let help = """
        usage: parleyd reload [PROCESS]

        Makes the server with this process ID reload its certificates, CRLs and command
        table, as SIGHUP does, waits until they are in force, and reports what could not
        be reloaded. For servers started by systemd: in a unit, MAINPID and
        RUNTIME_DIRECTORY identify the server.

        Exit status: 0 if everything was reloaded, 1 if something was not, 64 on a usage
        error, 69 or 78 if the result is not known.

        """
}
