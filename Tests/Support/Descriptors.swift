// The descriptors of the test's own process.
// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Sockets

/// The descriptors that this process has open, but for those that Swift's runtime opens when it
/// likes: timers, of which Parley has none, and files for a moment.
func openDescriptors() async -> Set<Int32> {
    var numbers = openDescriptorsNow()
    for _ in 0..<5 {
        try? await Task.sleep(for: .milliseconds(1))
        numbers.formIntersection(openDescriptorsNow())
    }
    return numbers
}

private func openDescriptorsNow() -> Set<Int32> {
    guard let folder = unsafe opendir("/proc/self/fd") else { return [] }
    defer { unsafe closedir(folder) }
    var numbers: Set<Int32> = []
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(cString: $0)
            }
        }
        guard let number = Int32(name), unsafe number != dirfd(folder) else { continue }
        var target = [CChar](repeating: 0, count: 64)
        _ = unsafe readlinkat(dirfd(folder), name, &target, target.count - 1)
        if unsafe strcmp(target, "anon_inode:[timerfd]") != 0 { numbers.insert(number) }
    }
    return numbers
}

/// Has Swift's runtime open what it needs for time limits, before a test counts descriptors or uses
/// them up.
func openTimers() async {
    try? await Task.sleep(for: .milliseconds(5), clock: .continuous)
    try? await Task.sleep(for: .milliseconds(5), clock: .suspending)
}

/// The descriptors that a process may still have, in an exit test: they are taken until they are given
/// back.
final class Spares {
    private var numbers: [Int32] = []

    /// - Parameter limit: how many descriptors the process may have from here on.
    init(limit: rlim_t) async {
        await openTimers()
        Self.setLimit { _ in limit }
        // LeakSanitizer opens files when the process ends.
        atexit { Spares.setLimit { $0 } }
    }

    /// - Parameter limit: called with the hard limit.
    private static func setLimit(_ limit: (rlim_t) -> rlim_t) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limits = rlimit()
        precondition(unsafe getrlimit(resource, &limits) == 0)
        limits.rlim_cur = limit(limits.rlim_max)
        precondition(unsafe setrlimit(resource, &limits) == 0)
    }

    /// How many of `count` could be taken.
    func take(_ count: Int) -> Int {
        for taken in 0..<count {
            let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard number >= 0 else { return taken }
            numbers.append(number)
        }
        return count
    }

    func takeAll(but free: Int = 0) {
        _ = take(.max)
        give(free)
    }

    func give(_ count: Int) { for _ in 0..<count { _ = close(numbers.removeLast()) } }

    func giveAll() { give(numbers.count) }
}
