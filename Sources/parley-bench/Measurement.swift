// The part of a run that is measured, and its line of figures.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import Records
internal import System

/// Begins measuring when it is created.
struct Measurement {
    private let options: BenchOptions
    private let server: ServerUsage
    private let machine: MachineUsage
    private let start: Moment

    init(_ options: BenchOptions) {
        self.options = options
        server = ServerUsage(options.processes)
        machine = MachineUsage()
        start = Moment.now
    }

    /// Ends the measurement, and returns a line with its figures.
    ///
    /// - Parameters:
    ///   - operations: that were done since it began.
    ///   - errors: of the whole run.
    ///   - latencies: of these operations.
    func line(
        connections: Int, operations: Int, errors: Int, latencies: Latencies
    ) -> JSONLine {
        let elapsed = Moment.now - start
        let machineNow = MachineUsage()
        let serverNow = ServerUsage(options.processes)
        let used = serverNow.processor - server.processor
        let own = (machineNow.own - machine.own).inSeconds
        let busy = Double(machineNow.busy - machine.busy) / MachineUsage.ticksPerSecond
        let foreign = max(0, busy - own - used.inSeconds) / (elapsed.inSeconds * MachineUsage.cores)

        var line = JSONLine()
        line.add("mode", options.mode.rawValue)
        line.add("connections", connections)
        line.add("errors", errors)
        line.add("operations", operations)
        line.add("seconds", seconds: elapsed)
        line.add("foreign_percent", Int((100 * foreign).rounded()))
        if !options.processes.isEmpty {
            line.add("server_seconds", seconds: used)
            line.add("server_user_ticks", serverNow.user - server.user)
            line.add("server_system_ticks", serverNow.system - server.system)
        }
        // The fields are microseconds: thousandths of the seconds passed here.
        if let (p50, p99, p999) = latencies.percentiles() {
            line.add("p50_us", seconds: .milliseconds(p50))
            line.add("p99_us", seconds: .milliseconds(p99))
            line.add("p999_us", seconds: .milliseconds(p999))
        }
        return line
    }
}

extension JSONLine {
    func print() {
        let bytes = line
        unsafe write(1, bytes, bytes.count)
    }
}
