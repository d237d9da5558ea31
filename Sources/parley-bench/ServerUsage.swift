// What a server's processes have used, according to the kernel.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// CPU time and memory of processes and their children, at one moment.
struct ServerUsage {
    /// CPU time, including that of children that ended and were waited for.
    private(set) var processor = Duration.zero
    /// Clock ticks in user and kernel mode.
    private(set) var user: UInt64 = 0
    private(set) var system: UInt64 = 0
    /// Resident bytes.
    private(set) var resident: Int = 0

    init(_ roots: [pid_t]) {
        var processes = roots
        var index = 0
        while index < processes.count {
            for child in Self.children(of: processes[index]) where !processes.contains(child) {
                processes.append(child)
            }
            index += 1
        }
        for process in processes { add(process) }
    }

    private mutating func add(_ process: pid_t) {
        var clock = clockid_t()
        if unsafe clock_getcpuclockid(process, &clock) == 0 { processor += used(clock) }
        let stat = contents(of: "/proc/\(process)/stat")
        // The name in parentheses may contain anything.
        if let end = stat.lastIndex(of: ")") {
            let fields = stat[end...].split(separator: " ")
            if fields.count > 15 {
                user += UInt64(fields[12]) ?? 0
                system += UInt64(fields[13]) ?? 0
                // In hundredths of a second, unlike the clock above.
                let ended = (UInt64(fields[14]) ?? 0) + (UInt64(fields[15]) ?? 0)
                processor += .seconds(Double(ended) / MachineUsage.ticksPerSecond)
            }
        }
        for line in contents(of: "/proc/\(process)/smaps_rollup").split(separator: "\n")
        where line.hasPrefix("Rss:") {
            let words = line.split(separator: " ")
            resident += 1024 * (words.count > 1 ? Int(words[1]) ?? 0 : 0)
        }
    }

    private static func children(of process: pid_t) -> [pid_t] {
        contents(of: "/proc/\(process)/task/\(process)/children").split(separator: " ")
            .compactMap { pid_t($0) }
    }
}

/// CPU time of the whole machine and of this process.
struct MachineUsage {
    /// Clock ticks in which any core was busy.
    let busy: UInt64
    let own: Duration

    init() {
        let fields = contents(of: "/proc/stat").prefix { $0 != "\n" }.split(separator: " ")
            .dropFirst().map { UInt64($0) ?? 0 }
        // user nice system idle iowait irq softirq steal (proc(5)); guests are in user already.
        busy = fields.enumerated().reduce(0) { sum, field in
            field.offset < 8 && field.offset != 3 && field.offset != 4 ? sum + field.element : sum
        }
        own = used(CLOCK_PROCESS_CPUTIME_ID)
    }

    static let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    static let cores = Double(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}

/// The value of a CPU-time clock; zero if its process is gone.
private func used(_ clock: clockid_t) -> Duration {
    var time = timespec()
    guard unsafe clock_gettime(clock, &time) == 0 else { return .zero }
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// A small file in /proc; empty if there is none.
private func contents(of path: String) -> String {
    let descriptor = Descriptor(owning: unsafe open(path, O_RDONLY | O_CLOEXEC))
    return String(decoding: descriptor.contents(), as: UTF8.self)
}
