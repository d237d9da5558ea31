// The descriptor of `--status-fd`.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import System

/// Reads `--status-fd`, before anything else is opened that could take the number.
///
/// - Throws: `UsageError` if it isn't open for writing, or leads to where the command's output goes,
///   where a program could forge an outcome.
func statusDescriptor(_ text: String) throws(UsageError) -> Int32 {
    guard let number = Int32(text), number > 2 else {
        throw UsageError(
            "'\(text)' is not a valid descriptor for --status-fd: use a number above 2, such as 3 with 3>status.json"
        )
    }
    let flags = fcntl(number, F_GETFL)
    guard flags >= 0, flags & O_ACCMODE != O_RDONLY else {
        throw UsageError(
            "the --status-fd descriptor \(number) is not open for writing; open it with \(number)>FILE"
        )
    }
    var status = stat()
    // At a terminal, a person can tell them apart.
    let isDevice = unsafe fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR
    for (output, name) in [(Int32(1), "output"), (2, "error output")]
    where !isDevice && leadToSameFile(number, output) {
        throw UsageError(
            "the --status-fd descriptor \(number) goes to the same place as the command's \(name), where the command could forge an outcome; redirect one of them elsewhere"
        )
    }
    return number
}
