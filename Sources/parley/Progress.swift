// How far a long transfer is, on the terminal of standard error.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Sockets

/// A line that is drawn anew each second, and erased before anything else is written. Confined to its loop.
final class Progress {
    private let output: Output
    private let began: Moment
    private let read: () -> (out: Int, in: Int)
    private var timer: Timer?
    private var isDrawn = false

    /// - Parameter read: bytes of the command's output and error output, and of its input.
    init(on output: Output, _ read: @escaping () -> (out: Int, in: Int)) {
        self.output = output
        self.read = read
        began = output.loop.now
        wait()
    }

    private func wait() {
        timer = Timer(after: .seconds(1), on: output.loop) { [unowned self] in
            draw()
            wait()
        }
    }

    private func draw() {
        // A terminal that takes nothing should not get more of it.
        guard output.backlog == 0 else { return }
        let now = read()
        let seconds = Int((output.loop.now - began) / .seconds(1))
        let line = "\(size(now.out)) out, \(size(now.in)) in, \(seconds) s"
        output.write("\r\(line)\(Self.eraseRest)".utf8)
        isDrawn = true
    }

    /// Before something else is written to the terminal.
    func erase() {
        guard isDrawn else { return }
        output.write("\r\(Self.eraseRest)".utf8)
        // Not at the turn's end: what is written to standard output must come behind it.
        output.flush()
        isDrawn = false
    }

    /// Nothing is drawn any more.
    func end() {
        timer = nil
        erase()
    }

    private static let eraseRest = "\u{1b}[K"
}

/// A number of bytes with three digits or so, such as `12.3 MiB`.
func size(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1_000 || unit == "GiB" {
            let tenths = Int((value * 10).rounded())
            return unit == "B" || value >= 100
                ? "\(Int(value.rounded())) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        value /= 1_024
    }
    return ""
}
