// Prints a text and ends the process.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// For `--help` and `--version`. A full disk or a closed pipe does not pass for success: then the
/// process ends with `failure`.
public func endAfterPrinting(_ text: String, failure: Int32) -> Never {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let count = unsafe bytes.withUnsafeBufferPointer {
            unsafe write(1, $0.baseAddress, $0.count)
        }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { exit(failure) }
        bytes.removeFirst(count)
    }
    exit(0)
}
