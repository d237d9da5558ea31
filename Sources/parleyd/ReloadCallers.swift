// Who waits for the outcome of a reload.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// Who has asked for a reload by SIGHUP, and is told how it went if it has made a socket for that (`ReloadRequest`), in
/// the folder that the service manager has made for the server. Confined to the main loop.
struct ReloadCallers {
    /// Nil where there is none.
    private let folder: String?
    /// Of the reading that is under way.
    private var present: Set<Int32> = []
    /// Of the one after that.
    private var later: Set<Int32> = []
    private var failures: [String] = []
    private var laterFailures: [String] = []

    init(folder: String?) { self.folder = folder }

    /// - Parameters:
    ///   - process: the sender of the signal; 0 where nobody knows.
    ///   - isLate: whether the next reading is the one that it has asked for.
    mutating func add(_ process: Int32, isLate: Bool) {
        // Whoever else asks reads the log.
        guard process > 0, present.count + later.count < Self.most else { return }
        if isLate { later.insert(process) } else { present.insert(process) }
    }

    /// Something was not taken over.
    ///
    /// - Parameter isLate: whether by the next reading.
    mutating func note(_ failure: String, isLate: Bool = false) {
        if isLate { laterFailures.append(failure) } else { failures.append(failure) }
    }

    /// Tells all of them that the reading is over, and goes on with those of the next one.
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

    private static let most = 64
}

/// What one that has asked for a reload is told: a byte, and what was not taken over, in sentences.
struct ReloadOutcome: Equatable {
    var failures: [String]

    init(failures: [String]) { self.failures = failures }

    /// Nil where it is none.
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

    /// The socket of the process that waits for it.
    static func path(_ folder: String, of process: Int32) -> String {
        "\(folder)/reload.\(process)"
    }

    /// In bytes.
    static let longest = 16_384
}
