// `parleyd status`: how a server is, from its metrics file.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Console
internal import Glibc
internal import Records
internal import System

/// Prints what a server's metrics file says, for people, and ends the process.
struct Status {
    private let path: String

    /// - Parameters:
    ///   - words: the command line after `status`; `--help` ends the process.
    ///   - environment: RUNTIME_DIRECTORY is where the file is, if none is named.
    /// - Throws: `UsageError`.
    init(_ words: [String], environment: (String) -> String?) throws {
        let arguments = try Arguments(words, flags: ["help"], valued: [])
        if arguments.has("help") { endAfterPrinting(Self.help, failure: 64) }
        if let extra = arguments.allOperands.dropFirst().first {
            throw UsageError("unexpected argument '\(extra)'; status takes one metrics file")
        }
        path =
            arguments.allOperands.first
            ?? "\(ServiceNotice.folder(environment) ?? "/run/parley")/metrics.prom"
    }

    /// - Throws: `ConfigurationError` if there is no such file, or it is something else.
    func run() throws -> Never {
        let report = StatusReport(try read(), at: secondsSince1970())
        let printer = Printer(failure: 64)
        for line in report.lines { printer.print(printable(line)) }
        printer.flush()
        if let fault = report.fault { Log.write("parleyd", "\(escaped(path)): \(fault)") }
        exit(report.fault == nil ? 0 : 1)
    }

    /// Nothing is decided by it, so it may belong to anybody.
    private func read() throws(ConfigurationError) -> MetricsReading {
        // Non-blocking: a pipe must not hang it.
        let file = Descriptor(
            owning: unsafe open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC))
        let reason = Errno.last
        guard file.number >= 0 else {
            throw ConfigurationError(
                .noMetrics,
                "the metrics file \(escaped(path)) cannot be opened (\(reason)); name the one that the server writes (--metrics), or start the server"
            )
        }
        let kind = Descriptor.kind(of: file.number)
        let bytes = kind == S_IFREG ? file.contents(limit: Self.longest + 1) : []
        let fault =
            kind == S_IFDIR
            ? "a folder"
            : bytes.count > Self.longest
                ? "larger than \(Self.longest >> 20) MiB, and so no metrics file of parleyd"
                : "not a metrics file of parleyd, or not a whole one"
        guard bytes.count <= Self.longest, let reading = MetricsReading(bytes) else {
            throw ConfigurationError(
                .noMetrics,
                "\(escaped(path)) is \(fault); name the file that the server writes (--metrics)")
        }
        return reading
    }

    /// In bytes.
    private static let longest = 64 << 20

    private static let help = """
        usage: parleyd status [FILE]

        Prints how a server is: its sessions, programs, limits, reloads, and what
        expires, from the metrics file that it writes (--metrics). Default:
        /run/parley/metrics.prom, which is the packaged service's.

        Exit status: 0 if the server runs, 1 if it has ended, has not written the
        file for a minute, or its date is more than a minute from now, 64 on a usage
        error, 78 if there is no such file or it is not parleyd's.

        """
}

extension ConfigurationError.Code {
    /// There is no metrics file.
    static var noMetrics: Self { Self(rawValue: "noMetrics") }
}
