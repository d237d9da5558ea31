// The settings of a program that have defaults.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSON5
internal import System

/// How a program runs, and with which limits.
struct ProgramLimits {
    private(set) var takesInput = false
    private(set) var timeout = Duration.seconds(60)
    private(set) var outputLimit = 16 << 20
    private(set) var concurrency = 16
    private(set) var perIdentity = 4
    private(set) var directory = "/"
    private(set) var umask: UInt32 = 0o077
    private(set) var grace: Duration?
    private(set) var isBackground = false
    private(set) var group = ControlGroupLimits()

    /// The keys that are read here.
    static let keys =
        [
            "input", "timeout", "output", "concurrency", "perIdentity", "directory", "umask",
            "grace",
            "background",
        ] + Controller.allCases.map(\.limit)

    /// - Parameters:
    ///   - runner: who runs it.
    ///   - looksAtDirectory: whether the program's folder must exist.
    ///   - notes: the whole table's.
    /// - Throws: `wrongType`, `invalidValue`, `impossibleLimit`.
    init(
        _ fields: Fields, for runner: ProgramRunner, looksAtDirectory: Bool,
        _ notes: inout TableNotes
    ) throws(Mistake) {
        if let node = fields["input"] { takesInput = try node.bool("'input'") }
        timeout = try Self.seconds(fields, "timeout") ?? timeout
        outputLimit = try Self.whole(fields, "output", 1...1 << 50) ?? outputLimit
        concurrency = try Self.whole(fields, "concurrency", 1...10_000) ?? concurrency
        // So that one client can't take all places.
        perIdentity =
            try Self.whole(fields, "perIdentity", 1...10_000) ?? max(1, concurrency / 4)
        if let node = fields["directory"] {
            directory = try Self.directory(node, for: runner, looksAtDirectory)
        }
        if let node = fields["umask"] { umask = try Self.umask(node) }
        grace = try Self.seconds(fields, "grace")
        if let node = fields["background"] { isBackground = try node.bool("'background'") }
        group = try Self.group(fields, &notes)
    }

    /// What a control group limits. A limit that isn't enforced would be worse than none, since someone relies on it.
    private static func group(
        _ fields: Fields, _ notes: inout TableNotes
    ) throws(Mistake) -> ControlGroupLimits {
        let limits = ControlGroupLimits(
            memory: try whole(fields, "memory", 1 << 20...1 << 50),
            processes: try whole(fields, "processes", 1...1 << 20), cpu: try share(fields))
        for controller in Controller.allCases where limits.controllers.contains(controller) {
            guard let node = fields[controller.limit] else { continue }
            guard let support = notes.groups else {
                notes.warn(
                    .unseenLimit, node.offset,
                    "parleyd did not check whether '\(controller.limit)' can be enforced where it will run"
                )
                continue
            }
            guard !support.controllers.contains(controller) else { continue }
            throw Mistake(
                .impossibleLimit, at: node.offset,
                "'\(controller.limit)' can't be enforced: \(support.shortage ?? "there is no controller for it"); omit '\(controller.limit)' if the command may run without it"
            )
        }
        return limits
    }

    private static func share(_ fields: Fields) throws(Mistake) -> Double? {
        guard let node = fields["cpu"] else { return nil }
        let expected = "a number of cores from 0.01 to 1024, such as 0.5 or 2"
        let share = try node.number("'cpu'", expected)
        guard (0.01...1_024).contains(share) else {
            throw Mistake(
                .invalidValue, at: node.offset, "'cpu' is out of range; expected \(expected)")
        }
        return share
    }

    private static func directory(
        _ node: JSON5Node, for runner: ProgramRunner, _ looks: Bool
    ) throws(Mistake) -> String {
        let expected = "the absolute path of a folder that \(runner.name) can enter"
        let path = try node.kernelString("'directory'", expected)
        let fault: String
        var cause: Cause?
        var status = stat()
        if path.utf8.first != UInt8(ascii: "/") {
            fault = ""
        } else if !looks {
            return path
        } else if unsafe stat(path, &status) != 0 {
            fault = ", which cannot be found (\(Errno.last))"
            cause = .system(.last)
        } else if status.st_mode & S_IFMT != S_IFDIR {
            fault = ", which is not a folder"
        } else if let reason = runner.refusal(.execute, path) {
            fault = ", which \(runner.name) cannot enter"
            cause = .system(reason)
        } else {
            return path
        }
        throw Mistake(
            .invalidValue, at: node.offset,
            "'directory' is \(quoted(path))\(fault); expected \(expected)", cause: cause)
    }

    /// Text, since JSON5 has no octal numbers: `22` would not be the mask that it looks like.
    private static func umask(_ node: JSON5Node) throws(Mistake) -> UInt32 {
        let expected = "octal digits in quotes, such as '022'"
        let text = try node.string("'umask'", expected)
        guard (1...4).contains(text.utf8.count), let mask = UInt32(text, radix: 8), mask <= 0o777,
            text.utf8.allSatisfy({ (0x30...0x37).contains($0) })
        else {
            throw Mistake(
                .invalidValue, at: node.offset,
                "'umask' is \(quoted(text)); expected \(expected), up to '777'")
        }
        return mask
    }

    private static func seconds(_ fields: Fields, _ key: String) throws(Mistake) -> Duration? {
        guard let node = fields[key] else { return nil }
        let expected = "seconds above 0, up to \(longest)"
        let seconds = try node.number("'\(key)'", expected)
        guard seconds > 0, seconds <= Double(longest) else {
            throw Mistake(
                .invalidValue, at: node.offset, "'\(key)' is out of range; expected \(expected)")
        }
        return Duration(seconds: seconds)
    }

    private static func whole(
        _ fields: Fields, _ key: String, _ range: ClosedRange<Int>
    ) throws(Mistake) -> Int? {
        guard let node = fields[key] else { return nil }
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        let number = try node.number("'\(key)'", expected)
        guard let value = Int(exactly: number), range.contains(value) else {
            throw Mistake(
                .invalidValue, at: node.offset,
                "'\(key)' is out of range or not a whole number; expected \(expected)")
        }
        return value
    }

    /// A year: more is a mistake, and far below what overflows a clock.
    private static let longest = 31_536_000
}
