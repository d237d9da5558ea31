// Who is waiting for the result of a reload.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// Processes that have asked for a reload with SIGHUP. One that has created a socket for the purpose (`ReloadRequest`),
/// in the folder that the service manager made for the server, is told the result. Confined to the main loop.
struct ReloadCallers {
    /// Nil if there is none.
    private let folder: String?
    /// Those who wait for the reading under way.
    private var present: Set<Int32> = []
    /// Those who wait for the one after that.
    private var later: Set<Int32> = []
    private var failures: [String] = []
    private var laterFailures: [String] = []

    init(folder: String?) { self.folder = folder }

    /// - Parameters:
    ///   - process: the sender of the signal; 0 if unknown.
    ///   - isLate: whether its request is for the next reading.
    mutating func add(_ process: Int32, isLate: Bool) {
        // Anybody else reads the log.
        guard process > 0, present.count + later.count < Self.limit else { return }
        if isLate { later.insert(process) } else { present.insert(process) }
    }

    /// Something was not reloaded.
    ///
    /// - Parameter isLate: whether by the next reading.
    mutating func note(_ failure: String, isLate: Bool = false) {
        if isLate { laterFailures.append(failure) } else { failures.append(failure) }
    }

    /// Tells all of them that the reading is over, and continues with those of the next one.
    mutating func answer() {
        if let folder {
            let outcome = ReloadOutcome(failures: failures)
            for process in present {
                LocalDatagrams.send(
                    outcome.bytes, to: Array(ReloadOutcome.path(folder, of: process).utf8))
            }
        }
        (present, later) = (later, [])
        (failures, laterFailures) = (laterFailures, [])
    }

    private static let limit = 64
}

/// What a process that asked for a reload is told: a byte, and sentences about what was not
/// reloaded.
struct ReloadOutcome: Equatable {
    var failures: [String]

    init(failures: [String]) { self.failures = failures }

    /// Nil if it isn't valid.
    init?(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return nil }
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        switch first {
        case UInt8(ascii: "+") where text.isEmpty: failures = []
        case UInt8(ascii: "-"): failures = text.split(separator: "\n").map { printable(String($0)) }
        default: return nil
        }
    }

    var bytes: [UInt8] {
        if failures.isEmpty { return [UInt8(ascii: "+")] }
        let text = failures.map { printable($0) }.joined(separator: "\n")
        return [UInt8(ascii: "-")] + text.utf8.prefix(Self.longest - 1)
    }

    /// The socket of the process that is waiting.
    static func path(_ folder: String, of process: Int32) -> String {
        "\(folder)/reload.\(process)"
    }

    /// In bytes.
    static let longest = 16_384
}
