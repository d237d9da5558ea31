// The terminal, pipe or file at this end of a remote command.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Remote
internal import Sockets

/// Standard input, output and error, byte for byte. Confined to its loop.
final class RemoteTerminal: RemoteConsole {
    let transcript: ConsoleTranscript
    /// What a line may begin with.
    let words = LineWords()
    private var progress: Progress?
    private(set) var bytesOut = 0
    private(set) var bytesError = 0
    private let output: Output
    private let errorOutput: Output
    private let input: LineReader
    private var collection: [UInt8]?
    private let givesInput: Bool
    private let showsProgress: Bool

    init(_ options: RunOptions, output: Output, log: Log, input: LineReader, isQuiet: Bool) {
        self.output = output
        errorOutput = log.output
        self.input = input
        givesInput = options.givesInput
        showsProgress = options.showsProgress && log.output.isTerminal
        output.keepsLines = false
        // A prompt is only for a person who types.
        transcript = ConsoleTranscript(
            output: output, input: input, log: log, isQuiet: isQuiet || !input.isTerminal,
            limit: Self.longestLine,
            editor: options.isConversational
                ? LineEditor.make(
                    loop: output.loop, history: LineHistory(), words: words) : nil)
    }

    /// A command begins.
    ///
    /// - Parameter inputSent: how many bytes of input it has got.
    func begin(inputSent: @escaping () -> Int) {
        (bytesOut, bytesError) = (0, 0)
        guard showsProgress else { return }
        progress = Progress(on: errorOutput) { [unowned self] in
            (bytesOut + bytesError, inputSent())
        }
    }

    /// A command has ended.
    func end() {
        progress?.end()
        progress = nil
    }

    /// The next line of a batch, if it is available already.
    func lineAtHand() -> [UInt8]? { input.lineAtHand(limit: Self.longestLine) }

    /// Whether the batch has no further line.
    var isAtEnd: Bool { input.isAtEnd }

    /// Keeps the output of the next command, instead of passing it on, until `collected()`.
    func collect() { collection = [] }

    /// What was kept, up to a limit.
    func collected() -> [UInt8] {
        defer { collection = nil }
        return collection ?? []
    }

    func write(output bytes: Span<UInt8>) { write(output: [0..<bytes.count], of: bytes) }

    func write(output pieces: [Range<Int>], of bytes: Span<UInt8>) {
        let count = pieces.reduce(0) { $0 + $1.count }
        bytesOut += count
        if let kept = collection {
            guard kept.count + count <= Self.longestCollection else { return }
            for piece in pieces { collection?.append(contentsOf: bytes.extracting(piece)) }
            return
        }
        if output.isTerminal { progress?.erase() }
        output.write(pieces, of: bytes)
    }

    func write(errorOutput bytes: Span<UInt8>) {
        bytesError += bytes.count
        progress?.erase()
        errorOutput.write(bytes)
    }

    var isFull: Bool { output.backlog + errorOutput.backlog > Self.maxWaiting }

    func drained() async {
        await output.flushed()
        await errorOutput.flushed()
    }

    func input(upTo count: Int) async throws(StreamError) -> [UInt8]? {
        givesInput ? try await input.next(upTo: count) : nil
    }

    func inputAtHand(
        _ count: Int, into output: inout OutputSpan<UInt8>, cutting length: Int, after gap: Int
    ) -> Int {
        givesInput ? input.readAtHand(count, into: &output, cutting: length, after: gap) : 0
    }

    /// Some arguments at their limit, quoted.
    static let longestLine = 70_000
    /// Far more than a table's help.
    private static let longestCollection = 1 << 20
    /// How many bytes may wait here before the server is held up.
    private static let maxWaiting = 65_536
}
