// What an administrator may not have intended, said once at startup.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Glibc
internal import Programs
internal import Records
internal import Sockets
internal import System

/// A sentence without a full stop.
let keyLogWarning =
    "session secrets are written to the key log; whoever reads it can decrypt every session"

/// A sentence without a full stop.
let hiddenConsole =
    "the audit trail goes to the same place as standard output, so there are no console lines; name a file with --audit to have both"

/// Sentences without a full stop, for the log.
func startWarnings(_ options: ServerOptions, _ table: CommandTable) -> [String] {
    var warnings: [String] = []
    if options.security?.writesKeyLog == true { warnings.append(keyLogWarning) }
    warnings += parleyd.warnings(ofProgramsIn: table, options.groupSupport)
    if table.hasPrograms, !Program.canBeWatched {
        warnings.append(
            "no program in the table can start: parleyd watches processes through /proc, which must be mounted here and belong to this PID namespace"
        )
    }
    if Signals.isIgnored(SIGHUP) {
        warnings.append(
            "SIGHUP is ignored because parleyd was started that way (nohup?): it will not reload anything"
        )
    }
    return warnings
}

/// Whether programs have control groups, and with which limits, as sentences without a full stop.
func told(_ support: ControlGroupSupport) -> [String] {
    guard let place = support.place else {
        return [
            "programs have no control groups of their own, nor the limits 'memory', 'processes' and 'cpu': \(support.shortage ?? "")"
        ]
    }
    let there = "programs have control groups of their own in \(escaped(place))"
    guard let shortage = support.shortage else { return [there] }
    let missing = Controller.allCases.filter { !support.controllers.contains($0) }
    let names = missing.map { "'\($0.limit)'" }.joined(separator: ", ")
    return ["\(there), without the limits \(names): \(shortage)"]
}

/// What the audit trail accepts, as sentences.
///
/// - Parameter rate: that of frequent records, in bytes per second.
func told(_ rate: Int, _ limits: AuditLimits) -> [String] {
    let reserve = limits.reserve >> 20
    return [
        "The audit trail takes up to \(rate >> 10) KiB per second of each identity's records other than those of programs, and as much from all clients without an identity (--audit-rate).",
        reserve == 0
            ? "None of its disk is reserved for starts and ends of programs (--audit-reserve 0)."
            : "\(reserve) MiB of its disk are reserved for starts and ends of programs (--audit-reserve).",
    ]
}

/// What follows from the users and the place that the table's programs run in, as sentences without a full stop,
/// for the log.
func warnings(
    ofProgramsIn table: CommandTable, _ support: ControlGroupSupport? = nil
) -> [String] {
    let programs = table.programs
    guard !programs.isEmpty else { return [] }
    var warnings: [String] = []
    let own = programs.filter {
        $0.program.user.numbers == nil && $0.program.user.number != 0
    }
    if let user = own.first?.program.user.account.name {
        warnings.append(
            "programs run as parleyd's own user, \(escaped(user)), so they can read and write whatever it can, including the key, the table and the trail if it owns them; start parleyd as root to run them as other users"
        )
    }
    let roots = programs.filter { $0.program.user.number == 0 }
    if !roots.isEmpty {
        warnings.append(
            "\(list(roots.map(\.name))) \(roots.count == 1 ? "runs" : "run") as root, as the table says, and can read and change whatever root owns; name another user if that is enough"
        )
    }
    let gaining = programs.filter { $0.program.isPrivileged && $0.program.user.number != 0 }
    if !gaining.isEmpty, !ProgramRights.canBeGained {
        warnings.append(
            "\(list(gaining.map(\.name))) may gain rights by programs such as sudo, as the table says, but cannot: parleyd was started with no_new_privs; take NoNewPrivileges=yes out of its unit, and what implies it"
        )
    }
    if let reason = Landlock.signalsMissing {
        warnings.append(
            "programs can signal and trace other processes of the user that they run as, including those of other commands: \(reason)"
        )
    }
    if let support { warnings += told(support) }
    return warnings
}

/// A few names, and how many more there are.
private func list(_ names: [String]) -> String {
    let shown = names.prefix(5).map { "'\(escaped($0, limit: 60))'" }.joined(separator: ", ")
    let more = names.count - 5
    return more > 0 ? "\(shown) and \(more) more" : shown
}
