// Whether the kernel could start a program, judging by its file.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// What was found at a program's path.
enum ProgramFile {
    case good
    /// It may be executed but not read, so it is unknown what it is.
    case unseen
    /// There is no such file.
    case missing(Flaw)
    /// It could never start.
    case unusable(Flaw)
    /// Others could replace it.
    case replaceable(TableError.Code, Flaw)

    /// What is wrong with it, in words that follow its path.
    struct Flaw: ExpressibleByStringInterpolation {
        let words: String
        /// Its cause.
        let cause: Cause?

        init(_ words: String, cause: Cause? = nil) { (self.words, self.cause) = (words, cause) }

        init(stringLiteral words: String) { self.init(words) }

        func after(_ words: String) -> Self { Self("\(words) \(self.words)", cause: cause) }
    }

    /// Examines a file and, if it is a script, its interpreter (execve(2)).
    ///
    /// - Parameter runner: who will run it.
    /// - Parameter level: how many scripts lead to each other as interpreters, itself included.
    static func look(at path: String, for runner: ProgramRunner, level: Int = 1) -> Self {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let reason = Errno.last
            let flaw = Flaw("cannot be found (\(reason))", cause: .system(reason))
            return [ENOENT, ENOTDIR].contains(reason.number) ? .missing(flaw) : .unusable(flaw)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            return .unusable("is not a regular file")
        }
        // Also if its file system is mounted noexec.
        if let reason = runner.refusal(.execute, path) {
            return .unusable(
                Flaw("is not executable for \(runner.name)", cause: .system(reason)))
        }
        do throws(FileError) {
            let file = try TrustedFile(program: path, for: runner.number)
            guard let head = file.start(headLength) else { return .unseen }
            let found = look(at: head, for: runner, level: level)
            // Its interpreter opens it by its name.
            guard case .good = found, head.starts(with: "#!".utf8),
                let reason = runner.refusal(.read, path)
            else { return found }
            return .unusable(
                Flaw("is a script that \(runner.name) cannot read", cause: .system(reason)))
        } catch {
            let flaw = Flaw(
                "cannot be used: \(escaped(error.sentence, limit: 4_096))", cause: error.cause)
            switch error.code {
            case .foreignOwner: return .replaceable(.foreignOwner, flaw)
            case .writableByOthers: return .replaceable(.writableByOthers, flaw)
            default: return .unusable(flaw)
            }
        }
    }

    private static func look(
        at head: [UInt8], for runner: ProgramRunner, level: Int
    ) -> Self {
        if head.starts(with: [0x7f] + Array("ELF".utf8)) { return .good }
        guard head.starts(with: "#!".utf8) else {
            return .unusable(
                Flaw(
                    head.isEmpty
                        ? "is empty"
                        : "is neither a binary (ELF) nor a script that begins with #! and its interpreter's path"
                ))
        }
        let line = head.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
        // It would be part of the interpreter's name, or of its argument.
        if line.last == UInt8(ascii: "\r") {
            return .unusable(
                "is a script whose first line ends with a carriage return; save it with Unix line endings (sed -i 's/\\r$//')"
            )
        }
        let name = line.drop(while: isBlank).prefix { !isBlank($0) && $0 != 0 }
        let interpreter = String(decoding: name, as: UTF8.self)
        guard name.first == UInt8(ascii: "/") else {
            return .unusable("is a script whose #! line names no absolute path")
        }
        // The kernel reads no further, and would not know where the name ends.
        guard name.endIndex < head.endIndex || head.count < headLength else {
            return .unusable("is a script whose #! line is longer than \(headLength) bytes")
        }
        let what = "is a script, and its interpreter '\(escaped(interpreter))'"
        guard level <= maxScripts else {
            return .unusable(
                "\(what) is yet another script; at most \(maxScripts) in a row can start")
        }
        switch look(at: interpreter, for: runner, level: level + 1) {
        case .good: return .good
        case .unseen: return .unseen
        case .missing(let flaw), .unusable(let flaw): return .unusable(flaw.after(what))
        case .replaceable(let code, let flaw): return .replaceable(code, flaw.after(what))
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// How much the kernel looks at: its BINPRM_BUF_SIZE.
    private static let headLength = 256
    /// The kernel's own limit: from the fifth on, it fails with ELOOP.
    private static let maxScripts = 4
}
