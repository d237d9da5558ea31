// The stretch of a run that counts, and the line that it becomes.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import Records

/// Begins to measure when it is made.
struct Measurement {
    private let options: BenchOptions
    private let server: ServerUsage
    private let machine: MachineUsage
    private let start: UInt64

    init(_ options: BenchOptions) {
        self.options = options
        server = ServerUsage(options.processes)
        machine = MachineUsage()
        start = nanoseconds()
    }

    /// Ends the stretch: a line with its figures.
    ///
    /// - Parameters:
    ///   - operations: that were done since it began.
    ///   - errors: of the whole run.
    ///   - latencies: of these operations.
    func line(
        connections: Int, operations: Int, errors: Int, latencies: Latencies
    ) -> JSONLine {
        let elapsed = nanoseconds() - start
        let machineNow = MachineUsage()
        let serverNow = ServerUsage(options.processes)
        let used = serverNow.processor &- server.processor
        let seconds = Double(elapsed) / 1e9
        let own = Double(machineNow.own - machine.own) / 1e9
        let busy = Double(machineNow.busy - machine.busy) / MachineUsage.ticksPerSecond
        let foreign = max(0, busy - own - Double(used) / 1e9) / (seconds * MachineUsage.cores)

        var line = JSONLine()
        line.add("mode", options.mode.rawValue)
        line.add("connections", connections)
        line.add("errors", errors)
        line.add("operations", operations)
        line.add("seconds", nanoseconds: elapsed)
        line.add("foreign_percent", Int((100 * foreign).rounded()))
        if !options.processes.isEmpty {
            line.add("server_seconds", nanoseconds: used)
            line.add("server_user_ticks", serverNow.user - server.user)
            line.add("server_system_ticks", serverNow.system - server.system)
        }
        // The fields are microseconds: thousandths of what is given as seconds.
        if let (p50, p99, p999) = latencies.percentiles() {
            line.add("p50_us", nanoseconds: UInt64(p50) * 1_000_000)
            line.add("p99_us", nanoseconds: UInt64(p99) * 1_000_000)
            line.add("p999_us", nanoseconds: UInt64(p999) * 1_000_000)
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
