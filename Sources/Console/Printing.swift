// Prints texts before the process ends, without a loop.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Standard output for a text that is made piece by piece and may be longer than memory is for it.
public final class Printer {
    private var bytes: [UInt8] = []
    private let failure: Int32

    /// - Parameter failure: the exit status if the text can't be written: a full disk or a closed
    ///   pipe must not look like success.
    public init(failure: Int32) { self.failure = failure }

    /// Prints one or several lines; the last line end is added.
    public func print(_ line: String) {
        bytes += Array(line.utf8) + [UInt8(ascii: "\n")]
        if bytes.count >= 65_536 { flush() }
    }

    /// Writes what was printed and is not written yet; ends the process where that fails.
    public func flush() {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBufferPointer {
                unsafe write(1, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { exit(failure) }
            rest.removeFirst(count)
        }
        bytes = []
    }
}

/// For `--help` and `--version`: prints a text, which ends with its own line's end, and ends the
/// process.
public func endAfterPrinting(_ text: String, failure: Int32) -> Never {
    let printer = Printer(failure: failure)
    printer.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    printer.flush()
    exit(0)
}
