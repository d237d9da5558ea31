// What an administrator may not have meant, told once at the start.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Glibc
internal import Programs
internal import Sockets

/// A sentence without its full stop.
let keyLogWarning =
    "session secrets are written to the key log; whoever reads it can decrypt every session"

/// A sentence without its full stop.
let hiddenConsole =
    "the audit trail goes where standard output goes, so there are no console lines; name a file with --audit to have both"

/// Sentences without their full stop, for the log.
func startWarnings(_ options: ServerOptions, _ table: CommandTable) -> [String] {
    var warnings: [String] = []
    if options.security?.writesKeyLog == true { warnings.append(keyLogWarning) }
    if geteuid() == 0, table.hasPrograms {
        warnings.append(
            "the programs of the table run as root, because parleyd does; start parleyd as another user"
        )
    }
    if table.hasPrograms, !Program.canBeWatched {
        warnings.append(
            "no program of the table can start: what it starts is watched through /proc, which must be mounted here and be that of this PID namespace"
        )
    }
    if Signals.isIgnored(SIGHUP) {
        warnings.append(
            "SIGHUP is ignored, because parleyd was started so (nohup?): it will not reload anything"
        )
    }
    return warnings
}
