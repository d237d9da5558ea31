// A million hostile streams of frames, in both directions.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import Testing

@testable import Remote
@testable import TestSupport

/// PARLEY_FUZZ_ROUNDS says how many inputs, PARLEY_FUZZ_SEED where to begin.
@Suite(.timeLimit(.minutes(5)))
struct FrameFuzzTests {
    @Test(arguments: Parley1.Sender.allCases)
    func frames_areReadAlike_howeverTheyAreCut(sender: Parley1.Sender) {
        let seed = setting("PARLEY_FUZZ_SEED") ?? 1
        var random = SplitMix(state: seed)
        var good = 0
        for round in 0..<Int(setting("PARLEY_FUZZ_ROUNDS") ?? 500_000) {
            let bytes = stream(from: sender, &random)
            let whole = digest(bytes, from: sender, cut: [bytes.count])
            let cuts = (0..<3).map { _ in Int(random.next() % UInt64(bytes.count + 1)) }.sorted()
            let pieces = digest(bytes, from: sender, cut: cuts + [bytes.count])
            guard whole == pieces else {
                Issue.record("seed \(seed), round \(round): \(bytes) cut at \(cuts)")
                return
            }
            if !whole.isMalformed { good += 1 }
        }
        // The driver finds its way past the header.
        #expect(good > 1_000)
    }

    private struct Digest: Equatable {
        var frames = 0
        var bytes = 0
        var sum: UInt64 = 0
        var isMalformed = false
    }

    /// Reads a stream to its end or its first mistake, with all that its frames carry.
    private func digest(_ bytes: [UInt8], from sender: Parley1.Sender, cut: [Int]) -> Digest {
        var reader = FrameReader(from: sender == .client ? .client : .server)
        var request = RequestReader()
        var ledger = InputLedger()
        ledger.want(1_000)
        var digest = Digest()
        var start = 0
        do throws(StreamError) {
            for end in cut {
                let piece = bytes.span.extracting(start..<end)
                start = end
                var offset = 0
                while try reader.next(
                    piece, at: &offset,
                    { (type, payload) throws(StreamError) in
                        digest.frames += 1
                        digest.bytes += payload.count
                        for index in payload.indices {
                            digest.sum = digest.sum &* 31 &+ UInt64(payload[index])
                        }
                        switch type {
                        case .run:
                            if case .request(let read) = try request.finish(payload) {
                                digest.sum &+= UInt64(read.arguments.count)
                            }
                        case .runPart: request.add(part: payload)
                        case .input: try ledger.receive(payload.count)
                        case .inputEnd: try ledger.end()
                        case .exit: _ = try Remote.Outcome.exit(payload)
                        case .refusal: _ = Remote.Outcome.refusal(payload)
                        default: break
                        }
                        digest.sum &+= UInt64(type.rawValue)
                    })
                {}
            }
        } catch {
            digest.isMalformed = true
        }
        return digest
    }

    /// Some frames, most of them right, with a few bytes changed.
    private func stream(from sender: Parley1.Sender, _ random: inout SplitMix) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0...(random.next() % 3) {
            let kind = Parley1.kinds[Int(random.next() % UInt64(Parley1.kinds.count))]
            let length = min(kind.lengths.upperBound, Int(random.next() % 12))
            var payload: [UInt8] = []
            while payload.count < max(length, kind.lengths.lowerBound) {
                payload.append(UInt8(truncatingIfNeeded: random.next() % 4))
            }
            if random.next() % 64 == 0 {
                bytes += Parley1.header(kind.number, Int(random.next() & 0xff_ffff)) + payload
            } else if kind.senders.contains(sender) || random.next() % 16 == 0 {
                bytes += Parley1.frame(kind, payload)
            }
        }
        if random.next() % 4 == 0, !bytes.isEmpty {
            bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
                truncatingIfNeeded: random.next())
        }
        if random.next() % 4 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count + 1))) }
        return bytes
    }

    private func setting(_ name: String) -> UInt64? {
        unsafe getenv(name).flatMap { unsafe UInt64(String(cString: $0)) }
    }
}
