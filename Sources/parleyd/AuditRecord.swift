// One line of the audit trail.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A JSON object on a line of its own. Whatever a peer sent stands in it as ASCII: it can neither
/// forge a line nor reach a terminal raw.
struct AuditRecord {
    private(set) var bytes: [UInt8] = []

    /// Begins with the time (RFC 3339, UTC, microseconds) and the event.
    init(_ event: StaticString) {
        bytes.reserveCapacity(384)
        bytes += #"{"time":""#.utf8
        appendTime()
        bytes += #"","event":""#.utf8
        append(event)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func add(_ key: StaticString, _ value: String) {
        begin(key)
        appendString(value)
    }

    mutating func add(_ key: StaticString, _ value: some BinaryInteger) {
        begin(key)
        bytes += String(value).utf8
    }

    mutating func add(_ key: StaticString, _ values: [String]) {
        begin(key)
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendString(value)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Arguments, of which those that are secret are written as their length in bytes.
    mutating func add(_ key: StaticString, _ values: [String], secret: (Int) -> Bool) {
        begin(key)
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if secret(index) {
                bytes += String(value.utf8.count).utf8
            } else {
                appendString(value)
            }
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Seconds with microseconds.
    mutating func add(_ key: StaticString, nanoseconds: UInt64) {
        begin(key)
        let micros = nanoseconds / 1_000
        bytes += "\(micros / 1_000_000).".utf8
        appendDigits(Int(micros % 1_000_000), 6)
    }

    /// Adds the fields of another record's middle, such as who is there.
    mutating func add(_ fields: AuditFields) {
        bytes += fields.bytes
    }

    /// The whole line.
    mutating func finish() -> [UInt8] {
        bytes += "}\n".utf8
        return bytes
    }

    private mutating func begin(_ key: StaticString) {
        bytes += #",""#.utf8
        append(key)
        bytes += #"":"#.utf8
    }

    private mutating func append(_ text: StaticString) {
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func appendString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for unit in text.utf16 {
            switch unit {
            case 0x22, 0x5c:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(unit))
            case 0x20...0x7e: bytes.append(UInt8(unit))
            default:
                bytes += "\\u".utf8
                for shift in [12, 8, 4, 0] {
                    bytes.append(Self.digits[Int(unit >> shift) & 15])
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendTime() {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = unsafe tm()
        unsafe gmtime_r(&now.tv_sec, &parts)
        unsafe appendDigits(Int(parts.tm_year) + 1_900, 4)
        bytes.append(UInt8(ascii: "-"))
        unsafe appendDigits(Int(parts.tm_mon) + 1, 2)
        bytes.append(UInt8(ascii: "-"))
        unsafe appendDigits(Int(parts.tm_mday), 2)
        bytes.append(UInt8(ascii: "T"))
        unsafe appendDigits(Int(parts.tm_hour), 2)
        bytes.append(UInt8(ascii: ":"))
        unsafe appendDigits(Int(parts.tm_min), 2)
        bytes.append(UInt8(ascii: ":"))
        unsafe appendDigits(Int(parts.tm_sec), 2)
        bytes.append(UInt8(ascii: "."))
        appendDigits(now.tv_nsec / 1_000, 6)
        bytes.append(UInt8(ascii: "Z"))
    }

    private mutating func appendDigits(_ value: Int, _ count: Int) {
        var divisor = 1
        for _ in 1..<count { divisor *= 10 }
        var rest = value
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / divisor % 10))
            rest %= divisor
            divisor /= 10
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}

/// Fields that many records of one session share, written once.
struct AuditFields {
    fileprivate let bytes: [UInt8]

    init(_ build: (inout AuditRecord) -> Void) {
        var record = AuditRecord("")
        let start = record.bytes.count
        build(&record)
        bytes = Array(record.bytes[start...])
    }
}
