// A program's start, in the form that C needs.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import System

/// Starts a keeper, which starts the program.
func launch(
    _ start: ProgramStart, _ strings: Strings, _ input: borrowing Descriptor,
    _ output: borrowing Descriptor, _ errorOutput: borrowing Descriptor,
    _ group: CommandGroup?
) -> parley_keeper {
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
    return unsafe parley_keeper_start(&how)
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
