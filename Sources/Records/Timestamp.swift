// How every record begins.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

extension JSONLine {
    /// Begins with the time (RFC 3339, UTC, microseconds) and the event.
    init(event: String) {
        self.init()
        add("time", Self.now)
        add("event", event)
    }

    private static var now: String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = unsafe tm()
        unsafe gmtime_r(&now.tv_sec, &parts)
        func two(_ value: Int32) -> String { String(value, digits: 2) }
        let (year, month) = unsafe (String(parts.tm_year + 1_900, digits: 4), two(parts.tm_mon + 1))
        let day = unsafe "\(year)-\(month)-\(two(parts.tm_mday))"
        let time = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return "\(day)T\(time).\(String(now.tv_nsec / 1_000, digits: 6))Z"
    }
}

/// Seconds since 1970, as metrics have them.
package func secondsSince1970() -> Int { time(nil) }
