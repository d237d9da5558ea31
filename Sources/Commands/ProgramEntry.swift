// A program that clients may run.
// SPDX-License-Identifier: Apache-2.0
public import System

/// The table's entry for a program.
public final class ProgramEntry: Sendable {
    /// One value that the client passes.
    public struct Argument: Sendable {
        public let name: String
        /// A POSIX extended regular expression that matches the whole value. Its characters are
        /// Unicode scalars; its classes and ranges don't depend on a locale.
        public let pattern: String
        /// Whether records show its length only.
        public let isSecret: Bool
        /// What the pattern matches, in words; nil where they would be more than it is worth.
        public var words: String? { check.words }
        let check: Pattern

        init(name: String, pattern: Pattern, isSecret: Bool) {
            self.name = name
            self.pattern = pattern.text
            self.isSecret = isSecret
            check = pattern
        }
    }

    /// A text that is passed to the program.
    enum Word: Sendable {
        case literal(String)
        /// The client's argument with this index.
        case argument(Int)
    }

    /// What a program is started with.
    public struct Invocation: Sendable {
        /// Those after the program's name.
        public let arguments: [String]
        /// The table's part of the environment, which overrides the server's defaults. No name
        /// begins with `PARLEY_`.
        public let environment: [String: String]
    }

    /// Absolute.
    public let path: String
    /// False if the program did not exist when the table was read, and the entry allows that.
    public let isAvailable: Bool
    /// The user that it runs as.
    public let user: ProgramUser
    /// Whether it may gain rights through set-ID programs such as sudo.
    public let isPrivileged: Bool
    /// Whether the program gets the client's standard input.
    public let takesInput: Bool
    public let timeout: Duration
    /// In bytes.
    public let outputLimit: Int
    /// How many may run at once, all identities together.
    public let concurrency: Int
    /// How many one identity may run at once.
    public let perIdentity: Int
    /// Where the program starts. Absolute.
    public let directory: String
    /// Its initial file mode mask, as for umask(2).
    public let umask: UInt32
    /// Between SIGTERM and SIGKILL; nil for the server's own.
    public let grace: Duration?
    /// Whether processes that it leaves running survive it.
    public let isBackground: Bool
    /// What all its processes together may use; only if it can be enforced, or if that was not checked.
    public let limits: ControlGroupLimits
    /// In the order in which the client passes them.
    public let arguments: [Argument]
    private let command: String
    private let words: [Word]
    private let environment: [String: Word]

    init(
        command: String, path: String, isAvailable: Bool, words: [Word],
        environment: [String: Word], arguments: [Argument], runner: ProgramRunner,
        limits: ProgramLimits
    ) {
        self.command = command
        self.path = path
        self.isAvailable = isAvailable
        self.words = words
        self.environment = environment
        self.arguments = arguments
        user = runner.user
        isPrivileged = runner.isPrivileged
        takesInput = limits.takesInput
        timeout = limits.timeout
        outputLimit = limits.outputLimit
        concurrency = limits.concurrency
        perIdentity = limits.perIdentity
        directory = limits.directory
        umask = limits.umask
        grace = limits.grace
        isBackground = limits.isBackground
        self.limits = limits.group
    }

    /// What the program is started with for the client's values, or which of them is wrong.
    ///
    /// - Parameter work: of this request; what is spent of it is also counted if a value is wrong.
    public func invocation(
        for values: [String], _ work: inout MatchingWork
    ) -> Result<Invocation, BadArgument> {
        guard values.count == arguments.count else { return .failure(wrongCount(values.count)) }
        for (argument, value) in zip(arguments, values) {
            let name = "the argument \(argument.name) of \(escaped(command))"
            let pattern = escaped(argument.pattern, limit: 1_023)
            switch argument.check.verdict(on: value, &work) {
            case .matches: continue
            case .differs:
                return .failure(.init(.differs, "\(name) does not match \(pattern)"))
            case .hasForbiddenDash:
                return .failure(
                    .init(
                        .forbiddenDash,
                        "\(name) begins with a hyphen, which its pattern does not allow"))
            case .tooMuchWork where work.isShort:
                return .failure(
                    .init(
                        .shareUsedUp,
                        "\(name) was not compared with its pattern: your recent arguments took too long to compare; try again in a few seconds, with shorter ones"
                    ))
            case .tooMuchWork:
                return .failure(
                    .init(
                        .tooMuchWork,
                        "\(name), together with those before it, takes too long to compare with its pattern; use shorter ones"
                    ))
            case .hasNUL:
                return .failure(.init(.containsNUL, "\(name) contains a NUL byte"))
            }
        }
        func text(_ word: Word) -> String {
            switch word {
            case .literal(let text): text
            case .argument(let index): values[index]
            }
        }
        return .success(
            Invocation(arguments: words.map(text), environment: environment.mapValues(text)))
    }

    private func wrongCount(_ count: Int) -> BadArgument {
        let given = count == 1 ? "1 argument was given" : "\(count) arguments were given"
        let names = arguments.map(\.name).joined(separator: ", ")
        let taken = arguments.isEmpty ? "none" : "\(arguments.count): \(names)"
        return BadArgument(.wrongCount, "\(given), but \(escaped(command)) takes \(taken)")
    }
}
