// Descriptors that go with messages, or come where none may.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Broker
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct PostDescriptorTests {
    @Test(arguments: [1, 2, 3], [10, 200_000])
    func descriptors_comeWithTheirMessage(count: Int, length: Int) async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let (ours, theirs) = (try Posts(a, loop), try Posts(b, loop))
            let tokens = try Token.some(count)
            theirs.handle = { [unowned theirs] post throws(PacketError) in
                // Of two messages only one has any.
                let due = theirs.messages.count == 2 ? count : 0
                #expect(post.descriptorCount == due)
                var descriptors = try post.takeDescriptors(due)
                #expect(post.descriptorCount == 0)
                for number in 0..<due {
                    let descriptor = descriptors.removeFirst()
                    #expect(fcntl(descriptor.number, F_GETFD) == FD_CLOEXEC)
                    #expect(unsafe write(descriptor.number, "\(number)", 1) == 1)
                }
                let left = descriptors.count
                #expect(left == 0)
            }
            ours.channel.send(message(length))
            var descriptors = Descriptors()
            for token in tokens { descriptors.add(token.take()) }
            ours.channel.send(message(length), descriptors: descriptors)
            ours.channel.send(message(length))
            #expect(try await theirs.messages(3).count == 3)
            #expect(tokens.map { $0.text() } == (0..<count).map(String.init))
            #expect(areClosed(tokens))
            #expect(theirs.ends.isEmpty)
        }
    }

    @Test func descriptors_thatNobodyTakes_areClosed() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let (ours, theirs) = (try Posts(a, loop), try Posts(b, loop))
            let tokens = try Token.some(3)
            var descriptors = Descriptors()
            for token in tokens { descriptors.add(token.take()) }
            ours.channel.send(PacketWriter(1), descriptors: descriptors)
            _ = try await theirs.messages(1)
            #expect(areClosed(tokens))
            #expect(theirs.ends.isEmpty)
        }
    }

    @Test(arguments: [0, 1, 3])
    func descriptors_inAnotherNumberThanIsDue_endTheChannel(count: Int) async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let tokens = try Token.some(count)
            let posts = try Posts(a, loop)
            posts.handle = { post throws(PacketError) in _ = try post.takeDescriptors(2) }
            sendRaw(other.number, packet(1, 0, [1]), tokens.map(\.number))
            for token in tokens { token.letGo() }
            #expect(try await posts.endCode() == .descriptors)
            #expect(areClosed(tokens))
        }
    }

    /// Some are delivered, more than may be; and more than there is room for, so that the kernel cuts them.
    @Test(arguments: [4, 5, 63, 64, 65, 66, 100, 253])
    func descriptors_thatAreTooMany_areClosed_andEndTheChannel(count: Int) async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let token = try Token()
            let posts = try Posts(a, loop)
            let numbers = [Int32](repeating: token.number, count: count)
            #expect(sendRaw(other.number, packet(1, 0, [1]), numbers))
            token.letGo()
            #expect(try await posts.endCode() == .descriptors)
            #expect(token.comesToBeClosed && posts.messages.isEmpty)
        }
    }

    @Test func descriptors_inSeveralControlMessages_areOneNumber() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let tokens = try Token.some(4)
            let posts = try Posts(a, loop)
            let numbers = tokens.map(\.number)
            sendRaw(other.number, packet(1, 0, [1]), [numbers[0]], [numbers[1], numbers[2]])
            _ = try await posts.messages(1)
            sendRaw(
                other.number, packet(1, 0, [1]), [numbers[0], numbers[1]], [numbers[2], numbers[3]])
            for token in tokens { token.letGo() }
            #expect(try await posts.endCode() == .descriptors)
            #expect(areClosed(tokens) && posts.messages == [[1]])
        }
    }

    @Test func descriptors_withAContinuation_areClosed_andEndTheChannel() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let (first, second) = (try Token(), try Token())
            let posts = try Posts(a, loop)
            let total = Piece.room + 1
            sendRaw(other.number, packet(total, 0, bytes(Piece.room)), [first.number])
            first.letGo()
            await turns(5)
            // It waits for its message.
            #expect(!first.isClosed)
            sendRaw(other.number, packet(total, Piece.room, [1]), [second.number])
            second.letGo()
            #expect(try await posts.endCode() == .descriptors)
            #expect(first.comesToBeClosed && second.comesToBeClosed && posts.messages.isEmpty)
        }
    }

    @Test func descriptors_ofAMessageThatNeverComesWhole_areClosed() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let token = try Token()
            let posts = try Posts(a, loop)
            sendRaw(b, packet(Piece.room + 1, 0, bytes(Piece.room)), [token.number])
            token.letGo()
            close(b)
            #expect(try await posts.endCode() == .endedEarly)
            #expect(token.comesToBeClosed)
        }
    }

    @Test(
        arguments: [
            packet(2, 0, [1]), packet(3_000_000, 0, bytes(Piece.room)), [1],
            bytes(Piece.maxBytes + 1),
        ])
    func descriptors_withAPacketThatLies_areClosed(lie: [UInt8]) async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let token = try Token()
            let posts = try Posts(a, loop)
            #expect(sendRaw(other.number, lie, [token.number]))
            token.letGo()
            #expect(try await posts.endCode() != nil)
            #expect(token.comesToBeClosed)
        }
    }

    /// Nothing but descriptors is asked for, so that nothing else may come.
    @Test func credentials_endTheChannel_andWhatComesWithThemIsClosed() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            var on: Int32 = 1
            #expect(unsafe setsockopt(a, SOL_SOCKET, SO_PASSCRED, &on, 4) == 0)
            let token = try Token()
            let posts = try Posts(a, loop)
            sendRaw(other.number, packet(1, 0, [1]), [token.number])
            token.letGo()
            #expect(try await posts.endCode() == .descriptors)
            #expect(token.comesToBeClosed && posts.messages.isEmpty)
        }
    }

    /// A kernel before 6.5 has no descriptors of senders.
    @Test func descriptorOfTheSender_isClosed_andEndsTheChannel() async throws {
        await #expect(processExitsWith: .success) {
            await openTimers()
            try await onLoop { loop in
                let (a, b) = try pair()
                let other = Descriptor(owning: b)
                var on: Int32 = 1
                guard unsafe setsockopt(a, SOL_SOCKET, passPIDFD, &on, 4) == 0 else { return }
                let posts = try Posts(a, loop)
                let before = await openDescriptors()
                sendRaw(other.number, packet(1, 0, [1]))
                #expect(try await posts.endCode() == .descriptors)
                #expect(await openDescriptors().symmetricDifference(before) == [a])
                withExtendedLifetime(other) {}
            }
        }
    }

    /// The message is a good one otherwise, so that whoever takes it decides.
    @Test func descriptors_thatThisProcessCannotHave_areClosed_andLost() async throws {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let spares = await Spares(limit: 60)
                let (a, b) = try pair()
                let other = Descriptor(owning: b)
                let tokens = try Token.some(3)
                let posts = try Posts(a, loop)
                var failure: PacketError.Code?
                posts.handle = { post throws(PacketError) in
                    do throws(PacketError) {
                        _ = try post.takeDescriptors(3)
                    } catch {
                        failure = error.code
                    }
                }
                sendRaw(other.number, packet(1, 0, [1]), tokens.map(\.number))
                spares.takeAll(but: 1)
                _ = try await posts.messages(1)
                #expect(failure == .descriptorsExhausted)
                posts.handle = { post throws(PacketError) in _ = try post.takeDescriptors(0) }
                sendRaw(other.number, packet(1, 0, [2]))
                #expect(try await posts.messages(2) == [[1], [2]])
                #expect(posts.ends.isEmpty)
                sendRaw(other.number, packet(1, 0, [3]), tokens.map(\.number))
                #expect(try await posts.endCode() == .descriptorsExhausted)
                spares.giveAll()
                for token in tokens { token.letGo() }
                #expect(areClosed(tokens))
                withExtendedLifetime(other) {}
            }
        }
    }

    /// How many may be on their way is counted for a user, of all processes, and not for those with rights.
    @Test(.serialized, arguments: ["taken", "refused", "refused for good"])
    func descriptors_thatTooManyAreOnTheirWayFor_areTakenLater_orTold(course: String) async throws {
        await #expect(processExitsWith: .success) { [course] in
            if geteuid() == 0 { #expect(setuid(UInt32(60_000 + getpid() % 5_000)) == 0) }
            try await onLoop { loop in
                let (full, fuller) = try pair()
                let (a, b) = try pair()
                let (ours, theirs) = (try Posts(a, loop), try Posts(b, loop))
                var limit = rlimit(rlim_cur: 200, rlim_max: 200)
                #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
                let many = [Int32](repeating: full, count: 150)
                while sendRaw(full, packet(1, 0, [1]), many) {}
                let token = try Token()
                ours.channel.send(
                    PacketWriter(1), descriptors: Descriptors(token.take()),
                    otherwise: course == "refused for good" ? nil : PacketWriter(2))
                ours.channel.send(PacketWriter(3))
                #expect(ours.channel.isOpen && ours.channel.queued > 0)
                await turns(5)
                #expect(theirs.messages.isEmpty && !token.isClosed)
                switch course {
                case "taken":
                    theirs.handle = { post throws(PacketError) in
                        _ = try post.takeDescriptors(post.packet.type == 1 ? 1 : 0)
                    }
                    while receiveRaw(fuller) != nil {}
                    #expect(try await theirs.messages(2) == [[1], [3]])
                case "refused":
                    #expect(try await theirs.messages(2) == [[2], [3]])
                default: #expect(try await ours.endCode() == .system)
                }
                #expect(token.comesToBeClosed)
                #expect(ours.ends.isEmpty == (course != "refused for good"))
            }
        }
    }

    /// All kinds of ends, some hundred times.
    @Test func descriptors_leaveNothingBehind() async throws {
        await #expect(processExitsWith: .success) {
            await openTimers()
            try await onLoop { loop in
                let before = await openDescriptors()
                for round in 0..<100 {
                    let (a, b) = try pair()
                    let (ours, theirs) = (try Posts(a, loop), try Posts(b, loop))
                    for number in 0..<5 {
                        let token = try Token()
                        var descriptors = Descriptors()
                        descriptors.add(token.take())
                        descriptors.add(Descriptor(duplicating: 0))
                        ours.channel.send(
                            message(number == 3 ? 300_000 : 10), descriptors: descriptors)
                    }
                    switch round % 4 {
                    case 0: _ = try await theirs.messages(5)
                    case 1: theirs.channel.close()
                    case 2: ours.channel.close()
                    default: await turns(round % 7)
                    }
                }
                #expect(await openDescriptors() == before)
            }
        }
    }
}

/// SO_PASSPIDFD, which older headers lack.
private let passPIDFD: Int32 = 76
