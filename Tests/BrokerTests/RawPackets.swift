// A channel's other end that sends whatever it likes, and descriptors whose end can be seen.
// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Sockets
import Synchronization
import System

@testable import Broker
@testable import TestSupport

/// The numbers of both ends of a channel; the caller's.
func pair() throws -> (Int32, Int32) {
    var pair = try PacketPair()
    return (pair.takeOne().release(), pair.takeOther().release())
}

/// A packet with any head.
func packet(_ total: Int, _ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
    let head = Piece(total: total, offset: offset).head
    return unsafe withUnsafeBytes(of: head) { unsafe Array($0) } + bytes
}

func bytes(_ count: Int, _ byte: UInt8 = 7) -> [UInt8] { [UInt8](repeating: byte, count: count) }

/// A message of some length, in which no two pieces are the same.
func message(_ count: Int) -> PacketWriter {
    var content = bytes(count - 5)
    for place in stride(from: 0, to: content.count, by: 101) {
        content[place] = UInt8(truncatingIfNeeded: place &* 31 >> 3)
    }
    var writer = PacketWriter(3)
    writer.add(bytes: content)
    return writer
}

/// One control message of descriptors (cmsg(3)).
private func rights(_ descriptors: [Int32]) -> [UInt64] {
    let length = UInt64(16 + 4 * descriptors.count)
    var words = [length, UInt64(SOL_SOCKET) | UInt64(SCM_RIGHTS) << 32]
    for start in stride(from: 0, to: descriptors.count, by: 2) {
        let second = start + 1 < descriptors.count ? UInt64(descriptors[start + 1]) : 0
        words.append(UInt64(descriptors[start]) | second << 32)
    }
    return words
}

/// Sends a packet, however many descriptors it has, in one control message or several.
///
/// - Returns: whether it was taken.
@discardableResult
func sendRaw(_ socket: Int32, _ packet: [UInt8], _ descriptors: [Int32]...) -> Bool {
    var control = descriptors.filter { !$0.isEmpty }.flatMap(rights)
    var packet = packet
    return unsafe packet.withUnsafeMutableBytes { packet in
        unsafe control.withUnsafeMutableBytes { control in
            var vector = unsafe iovec(iov_base: packet.baseAddress, iov_len: packet.count)
            return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                var message = unsafe msghdr()
                unsafe message.msg_iov = vector
                unsafe message.msg_iovlen = 1
                if unsafe !control.isEmpty {
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = control.count
                }
                let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
                return unsafe sendmsg(socket, &message, flags) == packet.count
            }
        }
    }
}

/// What the other end sent: a packet, or nothing for its end; nil if there is none now.
func receiveRaw(_ socket: Int32) -> [UInt8]? {
    var room = bytes(Piece.maxBytes)
    let count = unsafe recv(socket, &room, room.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : Array(room[..<count])
}

/// A descriptor to be handed on, of which it can be told whether anybody has it still.
final class Token {
    private let reader: Descriptor
    private var writer: Descriptor?

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe parley_pipe(&ends) == 0 else {
            throw StreamError("cannot make a pipe", errno: errno)
        }
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }

    /// At most once.
    func take() -> Descriptor { writer.take()! }

    /// Its number, of which the token stays the owner.
    var number: Int32 { writer?.number ?? -1 }

    func letGo() { writer = nil }

    /// Whether nobody has it now.
    var isClosed: Bool { isClosed(within: 0) }

    private func isClosed(within milliseconds: Int32) -> Bool {
        var event = pollfd(fd: reader.number, events: 0, revents: 0)
        return unsafe poll(&event, 1, milliseconds) == 1 && event.revents & Int16(POLLHUP) != 0
    }

    /// Whether nobody has it any more. Another test may start a process meanwhile, which has copies of all
    /// descriptors until it executes.
    var comesToBeClosed: Bool { isClosed(within: 10_000) }

    /// What was written to it.
    func text() -> String {
        var room = bytes(64)
        let count = unsafe read(reader.number, &room, room.count)
        return String(decoding: room.prefix(max(0, count)), as: UTF8.self)
    }

    static func some(_ count: Int) throws -> [Token] { try (0..<count).map { _ in try Token() } }
}

/// Makes a call on a thread of its own.
final class Background<R: Sendable>: Sendable {
    private let result = Mutex<R?>(nil)

    init(_ body: @escaping @Sendable () -> R) {
        onThread {
            let result = body()
            self.result.withLock { $0 = result }
        }
    }

    /// What came of it.
    func value() async throws -> R {
        try await eventually("the end of a thread", every: .milliseconds(1)) {
            result.withLock { $0 != nil }
        }
        return result.withLock { $0! }
    }
}

func areClosed(_ tokens: [Token]) -> Bool { tokens.allSatisfy { $0.comesToBeClosed } }
