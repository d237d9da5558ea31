// A console whose operator types from a script.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Conversations
@testable import Sockets
@testable import TestSupport

/// Notes all that is printed, to the byte.
final class ScriptedTranscript: Transcript {
    let isInteractive: Bool
    private(set) var text = ""
    private(set) var warnings: [StreamError] = []
    private var script: [[UInt8]]
    private let hasEnd: Bool
    private let silence = Shared<CheckedContinuation<Void, Never>?>(nil)

    /// - Parameters:
    ///   - script: the lines that the operator types.
    ///   - isInteractive: at a terminal, which shows what is typed.
    ///   - hasEnd: whether the script's end is the end of input, or silence.
    init(_ script: [String] = [], isInteractive: Bool = false, hasEnd: Bool = true) {
        self.script = script.map { Array($0.utf8) }
        self.isInteractive = isInteractive
        self.hasEnd = hasEnd
    }

    init(bytes script: [[UInt8]], isInteractive: Bool = false) {
        self.script = script
        self.isInteractive = isInteractive
        hasEnd = true
    }

    func print(_ line: String) { text += line + "\n" }

    func print(_ start: StaticString, _ message: Span<UInt8>) {
        let message = unsafe message.withUnsafeBufferPointer {
            unsafe String(decoding: $0, as: UTF8.self)
        }
        text += "\(start)\(message)\n"
    }

    func ask(_ prompt: String) async throws(StreamError) -> [UInt8]? {
        text += prompt
        guard script.isEmpty else {
            let line = script.removeFirst()
            if isInteractive { text += String(decoding: line, as: UTF8.self) + "\n" }
            return line
        }
        if hasEnd { return nil }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiting in
                if Task.isCancelled { waiting.resume() } else { silence.value = waiting }
            }
        } onCancel: { [silence] in
            // Whoever cancels is on the loop as well.
            silence.value.take()?.resume()
        }
        throw StreamError(.cancelled, "the prompt was cancelled")
    }

    func warn(_ fault: StreamError) { warnings.append(fault) }
}
