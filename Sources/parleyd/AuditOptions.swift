// What the command line says about the audit trail.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Records
internal import System

/// Where records go, and how many may.
struct AuditOptions {
    /// A file or standard error, the journal, or both.
    let places: [AuditPlace]
    /// Whether starts wait for the disk.
    let syncs: Bool
    /// How many bytes of records per second one identity may cause, or all clients without one.
    let rate: Int
    let limits: AuditLimits

    static let flags = ["audit-fsync"]
    static let valued = ["audit", "audit-group", "audit-rate", "audit-reserve"]

    /// - Parameter isAlways: whether there is a trail even if no option asks for one.
    /// - Returns: nil if there is none.
    /// - Throws: `UsageError`; `groupUnknown`.
    init?(_ arguments: Arguments, isAlways: Bool) throws {
        let named = arguments.all("audit")
        let isInJournal = named.contains(Self.journal)
        // A command of the table leaves a record unless something else was specified.
        let file =
            named.last { $0 != Self.journal } ?? (isAlways && !isInJournal ? "-" : nil)
        syncs = arguments.has("audit-fsync")
        // An empty one cancels what a unit's file specifies.
        let group = arguments["audit-group"].flatMap { $0.isEmpty ? nil : $0 }
        for (name, isGiven) in [("audit-fsync", syncs), ("audit-group", group != nil)] where isGiven
        {
            guard file != nil, file != "-" else {
                throw UsageError(
                    "--\(name) needs a file: name it with --audit"
                        + (name == "audit-group" ? ", or cancel the group with --\(name)=" : ""))
            }
        }
        for name in ["audit-rate", "audit-reserve"]
        where file == nil && !isInJournal && arguments.has(name) {
            throw UsageError("--\(name) limits the audit trail: name its file with --audit")
        }
        rate =
            try arguments.number("audit-rate", 1...1_048_576).map { $0 << 10 } ?? Budget.usualRate
        limits = try Self.limits(arguments)
        var places: [AuditPlace] = []
        if file == "-" {
            places.append(.standardError)
        } else if let file {
            places.append(.file(file, readableBy: try group.map(Self.group)))
        }
        if isInJournal { places.append(.journal()) }
        guard !places.isEmpty else { return nil }
        self.places = places
    }

    /// The word for it; a file of that name is `./journal`.
    private static let journal = "journal"

    private static func limits(_ arguments: Arguments) throws -> AuditLimits {
        var limits = AuditLimits()
        if let reserve = try arguments.number("audit-reserve", 0...1_048_576) {
            limits.reserve = UInt64(reserve) << 20
        }
        return limits
    }

    /// Looked up once: a reload must not wait for a name service.
    private static func group(_ name: String) throws(ConfigurationError) -> KnownGroup {
        let group: KnownGroup?
        do throws(Errno) {
            group = try KnownGroup(name)
        } catch {
            throw ConfigurationError(
                .groupUnknown,
                "the group \(escaped(name)), which is to read the audit trail, cannot be looked up (\(error)); look at the system's name services (/etc/nsswitch.conf)"
            )
        }
        guard let group else {
            throw ConfigurationError(
                .groupUnknown,
                "there is no group \(escaped(name)), which is to read the audit trail; name another one with --audit-group"
            )
        }
        return group
    }

    // MARK: What is in force

    /// For a report.
    var sentences: [String] {
        let reserve = limits.reserve >> 20
        let places = places.map(told).joined(separator: ", and to ")
        var sentences = [
            "The audit trail goes to \(places).",
            "It takes up to \(rate >> 10) KiB per second of each identity's records other than those of programs, and as much from all clients without an identity (--audit-rate).",
        ]
        if self.places.contains(where: \.isFile) {
            sentences.append(
                reserve == 0
                    ? "None of its disk is reserved for starts and ends of programs (--audit-reserve 0)."
                    : "\(reserve) MiB of its disk are reserved for starts and ends of programs (--audit-reserve)."
            )
        }
        return sentences
    }

    private func told(_ place: AuditPlace) -> String {
        switch place {
        case .standardError: "standard error"
        case .journal: "the journal"
        case .file(let path, nil): escaped(path)
        case .file(let path, let group?):
            "\(escaped(path)), which the group \(escaped(group.name)) may read (--audit-group)"
        }
    }
}

extension AuditPlace {
    /// True also for a kind that has no disk.
    fileprivate var isFile: Bool { if case .file = self { true } else { false } }
}

extension ConfigurationError.Code {
    /// There is no group of a name that is needed.
    static var groupUnknown: Self { Self(rawValue: "groupUnknown") }
}
