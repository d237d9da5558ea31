// How every record begins.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension JSONLine {
    /// Begins with the time (RFC 3339, UTC, microseconds) and the event.
    package init(event: String) {
        self.init()
        add("time", Self.now)
        add("event", event)
    }

    private static var now: String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = unsafe tm()
        unsafe gmtime_r(&now.tv_sec, &parts)
        let day =
            unsafe digits(Int(parts.tm_year) + 1_900, 4) + "-"
            + digits(Int(parts.tm_mon) + 1, 2) + "-" + digits(Int(parts.tm_mday), 2)
        let time =
            unsafe digits(Int(parts.tm_hour), 2) + ":" + digits(Int(parts.tm_min), 2) + ":"
            + digits(Int(parts.tm_sec), 2)
        return day + "T" + time + "." + digits(now.tv_nsec / 1_000, 6) + "Z"
    }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
