// Reads a command line with getopt_long.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Sockets
internal import Synchronization

/// A command line that can't be understood.
public struct UsageError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// The words after the program's name.
///
/// - Throws: if one is not UTF-8: repaired, it would be a different word.
public func commandLine() throws(UsageError) -> [String] {
    var words: [String] = []
    while let word = unsafe parley_argument(Int32(words.count + 1)) {
        guard let text = unsafe String(validatingCString: word) else {
            throw UsageError("argument \(words.count + 1) is not valid UTF-8")
        }
        words.append(text)
    }
    return words
}

/// The words after the program's name; those that are not UTF-8 are repaired. Only for messages
/// about a command line, not for acting on it.
public func repairedCommandLine() -> [String] {
    var words: [String] = []
    while let word = unsafe parley_argument(Int32(words.count + 1)) {
        words.append(unsafe String(cString: word))
    }
    return words
}

/// The options, the operands and the words after `--`, in order.
public struct Arguments: Sendable {
    public let operands: [String]
    /// The words after `--`; nil if there is no `--`.
    public let rest: [String]?
    private let options: [(name: String, value: String)]

    /// The operands, also those after `--`, for a program to which `--` is only the end of its options (POSIX, Utility
    /// Syntax Guideline 10).
    public var allOperands: [String] { operands + (rest ?? []) }

    /// Reads GNU long options, which may be abbreviated if unambiguous, written as `--name value`
    /// or `--name=value`, before and after operands.
    ///
    /// - Parameter short: the flags that a letter stands for as well, in addition to `-h` for `--help`.
    public init(
        _ arguments: [String], flags: [String], valued: [String], short: [Character: String] = [:]
    ) throws(UsageError) {
        (operands, rest, options) = try Self.turn.withLock { _ throws(UsageError) in
            try Self.read(
                arguments, flags, valued, short.merging(["h": "help"]) { own, _ in own })
        }
    }

    /// getopt_long's state is shared by the whole process.
    private static let turn = Mutex<Void>(())

    private static func read(
        _ arguments: [String], _ flags: [String], _ valued: [String], _ short: [Character: String]
    ) throws(UsageError) -> (
        operands: [String], rest: [String]?, options: [(name: String, value: String)]
    ) {
        var vector: [UnsafeMutablePointer<CChar>?] = unsafe (["parley"] + arguments).map {
            unsafe strdup($0)
        }
        unsafe vector.append(nil)
        let names = unsafe (flags + valued).map { unsafe strdup($0)! }
        defer { for index in unsafe vector.indices { unsafe free(vector[index]) } }
        defer { for index in unsafe names.indices { unsafe free(names[index]) } }
        var table = unsafe names.enumerated().map { index, name in
            unsafe option(
                name: name, has_arg: index < flags.count ? no_argument : required_argument,
                flag: nil,
                val: Int32(firstCode + index))
        }
        unsafe table.append(option())

        var options: [(name: String, value: String)] = []
        var operands: [String] = []
        var next: Int32 = 0
        let count = Int32(arguments.count + 1)
        let letters = "-:" + String(short.keys)
        while true {
            let at = max(1, Int(next))
            // "-": operands are returned in order; ":": a missing value is reported separately.
            let step = unsafe parley_getopt_long(count, &vector, letters, table, next)
            next = unsafe step.next
            let value = unsafe step.value.map { unsafe String(cString: $0) } ?? ""
            switch unsafe step.code {
            case -1:
                // It stops after "--", or at the very end.
                let rest = Int(next) > at ? Array(arguments[(Int(next) - 1)...]) : nil
                return (operands, rest, options)
            case 1: operands.append(value)
            case Int32(UInt8(ascii: ":")):
                throw UsageError("the option \(arguments[at - 1]) needs a value")
            case Int32(UInt8(ascii: "?")):
                let word = arguments[at - 1]
                throw UsageError(
                    unsafe step.unknown >= firstCode
                        ? "the option \(word) takes no value"
                        : "the option \(word) is unknown or ambiguous")
            case let code where code < firstCode:
                let letter = Character(Unicode.Scalar(UInt8(truncatingIfNeeded: code)))
                options.append((short[letter] ?? "", ""))
            default:
                let index = unsafe Int(step.code) - firstCode
                let name = index < flags.count ? flags[index] : valued[index - flags.count]
                options.append((name, value))
            }
        }
    }

    private init(
        operands: [String], rest: [String]?, options: [(name: String, value: String)]
    ) {
        (self.operands, self.rest, self.options) = (operands, rest, options)
    }

    /// The same with values for options that were not given.
    public func completed(by values: [(name: String, value: String)]) -> Arguments {
        Arguments(
            operands: operands, rest: rest,
            options: options + values.filter { !has($0.name) })
    }

    public func has(_ name: String) -> Bool { options.contains { $0.name == name } }

    /// The last value that was given: a repeated option overrides the earlier one.
    public subscript(name: String) -> String? { options.last { $0.name == name }?.value }

    public func all(_ name: String) -> [String] {
        options.filter { $0.name == name }.map(\.value)
    }

    public func port(_ name: String) throws(UsageError) -> UInt16? {
        guard let text = self[name] else { return nil }
        guard let port = Endpoint.port(text) else {
            throw UsageError(
                "'\(text)' is not a valid port for --\(name): use a number from 0 to 65535")
        }
        return port
    }

    public func number(_ name: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "'\(text)' is not a valid number for --\(name): use one from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// A time in seconds, which may have a fraction.
    public func seconds(_ name: String) throws(UsageError) -> Duration? {
        guard let text = self[name] else { return nil }
        guard let seconds = Double(text), seconds > 0, seconds <= Self.longest else {
            throw UsageError(
                "'\(text)' is not a valid time for --\(name): use a number of seconds above 0, up to \(Int(Self.longest))"
            )
        }
        return Duration(seconds: seconds)
    }

    private static let firstCode = 1_000
    /// A year: more is a mistake, and far below what overflows a clock.
    private static let longest = 31_536_000.0
}
