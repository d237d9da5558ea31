// A program's start, in the form that C needs.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Sockets
internal import System

/// Has a program started, by a function of C's.
func launch<Result>(
    _ start: ProgramStart, _ strings: Strings, _ input: borrowing Descriptor,
    _ output: borrowing Descriptor, _ errorOutput: borrowing Descriptor,
    _ group: CommandGroup?, _ begin: (UnsafePointer<parley_start>) -> Result
) -> Result {
    var how = unsafe parley_start()
    unsafe how.path = unsafe UnsafePointer(strings.path)
    unsafe how.directory = unsafe UnsafePointer(strings.directory)
    unsafe how.arguments = unsafe UnsafePointer(strings.arguments)
    unsafe how.environment = unsafe UnsafePointer(strings.environment)
    unsafe how.input = input.number
    unsafe how.output = output.number
    unsafe how.error_output = errorOutput.number
    unsafe how.umask = start.umask
    unsafe how.grace = Int(clamping: start.grace.inNanoseconds)
    unsafe how.is_background = start.isBackground ? 1 : 0
    unsafe how.is_waited_for = start.takesInput ? 1 : 0
    unsafe how.rights = unsafe strings.rights.map { unsafe UnsafePointer($0.rights) }
    unsafe how.group = -1
    if let group {
        unsafe how.group = group.folder.number
        unsafe how.group_name = unsafe UnsafePointer(strings.groupName)
        unsafe how.memory = group.limits.memory ?? 0
        unsafe how.limits =
            (group.limits.memory == nil ? 0 : Int32(PARLEY_OVER_MEMORY))
            | (group.limits.processes == nil ? 0 : Int32(PARLEY_OVER_PROCESSES))
    }
    return unsafe begin(&how)
}

/// Strings in the form that execve(2) takes, which remain valid until it has run.
@safe
final class Strings {
    typealias List = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    let arguments: List
    let environment: List
    let directory: UnsafeMutablePointer<CChar>
    /// Null for none.
    let groupName: UnsafeMutablePointer<CChar>?
    /// They remain valid as long.
    let rights: RightsMemory?
    var path: UnsafeMutablePointer<CChar> { unsafe arguments[0]! }

    init(_ start: ProgramStart, groupName name: Substring?) {
        unsafe groupName = name.flatMap { unsafe strdup(String($0)) }
        unsafe arguments = unsafe Self.list([start.path] + start.arguments)
        unsafe environment = unsafe Self.list(
            start.environment.map { "\($0)=\($1)" }.sorted())
        unsafe directory = unsafe strdup(start.directory)
        rights = start.rights.map(RightsMemory.init)
    }

    deinit {
        unsafe Self.free(arguments)
        unsafe Self.free(environment)
        unsafe Glibc.free(directory)
        unsafe Glibc.free(groupName)
    }

    private static func free(_ list: List) {
        var next = unsafe list
        while let text = unsafe next.pointee {
            unsafe Glibc.free(text)
            unsafe next += 1
        }
        unsafe list.deallocate()
    }

    /// With a null after the last one.
    private static func list(_ texts: [String]) -> List {
        let list = List.allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { unsafe list[index] = unsafe strdup(text) }
        unsafe list[texts.count] = nil
        return unsafe list
    }
}

/// The memory of a process until its exec, with the strings that it reads there.
@safe
final class BareMemory {
    private let memory: UnsafeMutableRawPointer
    private let strings: Strings

    init(_ memory: UnsafeMutableRawPointer, _ strings: Strings) {
        unsafe self.memory = unsafe memory
        self.strings = strings
    }

    /// Not before it has left.
    deinit { unsafe parley_bare_free(memory) }

    /// Whether the exec has succeeded, or the process has ended.
    var hasLeft: Bool { unsafe parley_bare_has_left(memory) != 0 }

    /// Why it has ended without an exec, once it has left; nil if it hasn't.
    ///
    /// - Parameter what: what can't be done, the beginning of a sentence.
    func failure(_ what: String) -> StreamError? {
        let report = unsafe parley_bare_report(memory)
        return report.failure == 0 ? nil : StreamError(what, report)
    }
}

extension StreamError {
    /// Why a program was not started.
    ///
    /// - Parameter what: what can't be done, the beginning of a sentence.
    init(_ what: String, _ report: parley_report) {
        let reason =
            switch Int(report.cause) {
            case PARLEY_PROC:
                "\(what): its processes cannot be tracked; /proc must be mounted for that"
            case PARLEY_RIGHTS: "\(what): it cannot be given the rights that it should have"
            case PARLEY_GROUP: "\(what): it cannot be limited by a control group of its own"
            case PARLEY_KEEPER: "\(what): its keeper cannot be set up"
            default: what
            }
        self.init(reason, errno: report.failure)
    }
}
