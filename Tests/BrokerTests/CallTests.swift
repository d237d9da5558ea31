// Questions that are waited for, and their answers.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Broker
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct CallTests {
    @Test(arguments: [6, 65_527, 65_528, 65_529, 1 << 20])
    func question_isAnswered(length: Int) async throws {
        let (a, b) = try pair()
        let serving = Background {
            ended(CallServer(owning: Descriptor(owning: b), limit: 2 << 20))
        }
        let asking = Background { () -> Bool in
            let channel = try? CallChannel(owning: Descriptor(owning: a), time: .seconds(20))
            return (0..<3).allSatisfy { _ in
                (try? channel?.call(message(length), limit: 2 << 20))
                    == held(message(length))
            }
        }
        #expect(try await asking.value())
        #expect(try await serving.value() == nil)
    }

    @Test(arguments: [false, true])
    func answerThatDoesNotCome_isNotWaitedForForEver(isLong: Bool) async throws {
        let (a, b) = try pair()
        let other = Descriptor(owning: b)
        let asking = Background {
            let channel = try? CallChannel(owning: Descriptor(owning: a), time: .milliseconds(50))
            // The second one isn't sent: its answer would be the first one's.
            return [message(isLong ? 1 << 20 : 10), PacketWriter(2)].map { question in
                failureCode { () throws(PacketError) in
                    try channel?.call(question, limit: 100)
                }
            }
        }
        #expect(try await asking.value() == [.timedOut, .timedOut])
        var came: [[UInt8]] = []
        while let packet = receiveRaw(other.number), !packet.isEmpty { came.append(packet) }
        if !isLong { #expect(came == [packet(10, 0, message(10).bytes)]) }
        #expect(receiveRaw(other.number) == [])
    }

    /// Of this process, or of the whole machine: the clock went on, and the answer is there.
    @Test(arguments: [10, 200_000])
    func pause_isNoTimeOut(length: Int) async throws {
        let (a, b) = try pair()
        let serving = Background {
            ended(CallServer(owning: Descriptor(owning: b), limit: 1 << 20))
        }
        let asking = Background { () -> Bool in
            var now = Moment.now
            let channel = try? CallChannel(owning: Descriptor(owning: a), time: .seconds(20)) {
                now = now + .seconds(3_600)
                return now
            }
            return (0..<10).allSatisfy { _ in
                (try? channel?.call(message(length), limit: 1 << 20)) == held(message(length))
            }
        }
        #expect(try await asking.value())
        #expect(try await serving.value() == nil)
    }

    /// As after a pause that the socket's time has passed in: whoever answers gets the rest.
    @Test func answer_thatIsLateForAWait_isTaken() async throws {
        let (a, b) = try pair()
        let serving = Background {
            let server = CallServer(owning: Descriptor(owning: b), limit: 10)
            return failureCode { () throws(PacketError) in
                try server.serve { _ in
                    usleep(1_000_000)
                    return PacketWriter(7)
                }
            }
        }
        let asking = Background { () -> [UInt8]? in
            // Some waits pass before it is there.
            let channel = try? CallChannel(owning: Descriptor(owning: a), time: .seconds(6))
            return try? channel?.call(PacketWriter(1), limit: 10)
        }
        #expect(try await asking.value() == [7])
        #expect(try await serving.value() == nil)
    }

    /// Each packet comes within the time, and their message never.
    @Test func answerThatTrickles_isNotWaitedForForEver() async throws {
        let (a, b) = try pair()
        let sending = Background {
            let other = Descriptor(owning: b)
            var offset = 0
            while offset < 1 << 28 {
                // Whoever asks may not have begun to read.
                if sendRaw(other.number, packet(1 << 31, offset, bytes(Piece.room))) {
                    offset += Piece.room
                } else if errno != EAGAIN {
                    break
                }
                usleep(20_000)
            }
            return offset
        }
        let asking = Background {
            failureCode { () throws(PacketError) in
                guard
                    let channel = try? CallChannel(
                        owning: Descriptor(owning: a), time: .milliseconds(200))
                else { return }
                _ = try channel.call(PacketWriter(1), limit: 1 << 31)
            }
        }
        #expect(try await asking.value() == .timedOut)
        #expect(try await sending.value() < 1 << 28)
    }

    @Test(
        arguments: [
            ([], .endedEarly), ([packet(200_000, 0, bytes(Piece.room))], .tooLarge),
            ([packet(100, 0, bytes(99))], .malformed), ([packet(100, 1, bytes(99))], .malformed),
            ([packet(70_000, 0, bytes(Piece.room))], .endedEarly),
            ([bytes(Piece.maxBytes + 1)], .tooLarge),
        ] as [([[UInt8]], PacketError.Code)])
    func answerThatIsNone_endsTheChannel(
        packets: [[UInt8]], code: PacketError.Code
    ) async throws {
        let (a, b) = try pair()
        for packet in packets { #expect(sendRaw(b, packet)) }
        shutdown(b, Int32(SHUT_WR))
        #expect(try await codes(of: a) == [code, code])
        close(b)
    }

    @Test func descriptors_withAnAnswer_areClosed_andEndTheChannel() async throws {
        let (a, b) = try pair()
        let token = try Token()
        sendRaw(b, packet(1, 0, [1]), [token.number])
        token.letGo()
        #expect(try await codes(of: a) == [.descriptors, .descriptors])
        #expect(token.comesToBeClosed)
        close(b)
    }

    // MARK: The answering end

    @Test func descriptors_withAQuestion_areClosed_andEndTheChannel() async throws {
        let (a, b) = try pair()
        let token = try Token()
        sendRaw(a, packet(1, 0, [1]), [token.number])
        token.letGo()
        let serving = Background { ended(CallServer(owning: Descriptor(owning: b), limit: 10)) }
        #expect(try await serving.value() == .descriptors)
        #expect(token.comesToBeClosed)
        #expect(receiveRaw(a) == [])
        close(a)
    }

    @Test(
        arguments: [
            (packet(11, 0, bytes(11)), .tooLarge), (packet(0xffff_ffff, 0, bytes(9)), .tooLarge),
            (packet(10, 0, bytes(9)), .malformed), (packet(10, 3, bytes(7)), .malformed),
            ([1, 2], .malformed),
        ] as [([UInt8], PacketError.Code)])
    func questionThatIsNone_endsTheChannel(
        question: [UInt8], code: PacketError.Code
    ) async throws {
        let (a, b) = try pair()
        sendRaw(a, packet(1, 0, [5]))
        sendRaw(a, question)
        let serving = Background { ended(CallServer(owning: Descriptor(owning: b), limit: 10)) }
        #expect(try await serving.value() == code)
        #expect(receiveRaw(a) == packet(6, 0, [255, 0, 0, 0, 1, 5]))
        #expect(receiveRaw(a) == [])
        close(a)
    }

    @Test func questionThatMustNotBeAnswered_endsTheChannel() async throws {
        let (a, b) = try pair()
        let serving = Background {
            let server = CallServer(owning: Descriptor(owning: b), limit: 10)
            return failureCode { () throws(PacketError) in
                try server.serve { $0 == [1] ? PacketWriter(2) : nil }
            }
        }
        let asking = Background { () -> [PacketError.Code?] in
            let channel = try? CallChannel(owning: Descriptor(owning: a), time: .seconds(20))
            return [1, 3, 1].map { type in
                failureCode { () throws(PacketError) in
                    try channel?.call(PacketWriter(type), limit: 10)
                }
            }
        }
        #expect(try await asking.value() == [nil, .endedEarly, .endedEarly])
        #expect(try await serving.value() == nil)
    }

    @Test(
        arguments: [
            ([255], .malformed), ([255, 0, 0, 0, 1, 255], .malformed),
            ([255, 0, 0, 0, 1, 5, 0, 0], .malformed),
            ([255] + (0..<9).flatMap { [0, 0, 0, 1, $0] }, .malformed),
            // The second one must not be answered.
            ([255, 0, 0, 0, 1, 5, 0, 0, 0, 1, 9], nil),
        ] as [([UInt8], PacketError.Code?)])
    func questionsTogether_ofWhichOneIsNone_endTheChannel_andNoneIsAnswered(
        questions: [UInt8], code: PacketError.Code?
    ) async throws {
        let (a, b) = try pair()
        sendRaw(a, packet(questions.count, 0, questions))
        let serving = Background {
            let server = CallServer(owning: Descriptor(owning: b), limit: 100)
            return failureCode { () throws(PacketError) in
                try server.serve { $0 == [9] ? nil : PacketWriter(2) }
            }
        }
        #expect(try await serving.value() == code)
        #expect(receiveRaw(a) == [])
        close(a)
    }

    @Test func peerThatEndsWithinAQuestion_isTold() async throws {
        let (a, b) = try pair()
        sendRaw(a, packet(Piece.room + 1, 0, bytes(Piece.room)))
        close(a)
        let serving = Background {
            ended(CallServer(owning: Descriptor(owning: b), limit: 1 << 20))
        }
        #expect(try await serving.value() == .endedEarly)
    }

    /// Whether it waits for a question, or for an answer to be taken.
    @Test(arguments: [false, true])
    func stop_endsServing_fromAnotherThread(isAnswering: Bool) async throws {
        let (a, b) = try pair()
        let server = CallServer(owning: Descriptor(owning: b), limit: 10)
        let serving = Background {
            failureCode { () throws(PacketError) in try server.serve { _ in message(4 << 20) } }
        }
        if isAnswering {
            sendRaw(a, packet(1, 0, [1]))
            // It has begun, and can't go on.
            try await eventually("a full socket", every: .milliseconds(1)) {
                var event = pollfd(fd: b, events: Int16(POLLOUT), revents: 0)
                return unsafe poll(&event, 1, 0) == 0
            }
        }
        server.stop()
        #expect(try await serving.value() == nil)
        close(a)
    }

    /// Asks twice.
    private func codes(of end: Int32) async throws -> [PacketError.Code?] {
        try await Background {
            let channel = try? CallChannel(owning: Descriptor(owning: end), time: .seconds(20))
            return (0..<2).map { _ in
                failureCode { () throws(PacketError) in
                    try channel?.call(PacketWriter(1), limit: 100_000)
                }
            }
        }.value()
    }
}

/// Serves to its end, with answers that hold the questions.
private func ended(_ server: CallServer) -> PacketError.Code? {
    failureCode { () throws(PacketError) in
        try server.serve { question in
            var answer = PacketWriter(255)
            answer.add(bytes: question)
            return answer
        }
    }
}

private func held(_ question: PacketWriter) -> [UInt8] {
    var answer = PacketWriter(255)
    answer.add(bytes: question.bytes)
    return answer.bytes
}
