// The network process's channels to the broker, in a confined process.
// SPDX-License-Identifier: Apache-2.0
import Broker
import CLinux
import Glibc
import Sockets
import System

/// Messages that nobody waits for, with a descriptor, both ways and longer than a packet.
func posts() throws -> Work {
    let loop = try EventLoop()
    var pair = try PacketPair()
    var pipe: [Int32] = [0, 0]
    guard unsafe parley_pipe(&pipe) == 0 else { throw Failed("pipe") }
    let (reader, writer) = (pipe[0], pipe[1])
    var said = "nothing"
    let finish = { (word: String) in
        said = word
        loop.stop()
    }
    let broker = try PostChannel(
        owning: pair.takeOne(), loop: loop, limit: 1_000_000,
        received: { post in
            // A wait for room, and one for what comes.
            finish(post.bytes.count == 400_006 ? "done" : "\(post.bytes.count)")
        }, ended: { finish("\($0)") })
    let network = try PostChannel(
        owning: pair.takeOther(), loop: loop, limit: 1_000_000,
        received: { [unowned broker] post throws(PacketError) in
            _ = broker
            var descriptors = try post.takeDescriptors(1)
            let end = descriptors.removeFirst()
            guard unsafe write(end.number, "x", 1) == 1 else { return finish("the descriptor") }
        }, ended: { finish("\($0)") })
    return { _ in
        var order = PacketWriter(1)
        order.add(UInt8(7))
        broker.send(order, descriptors: Descriptors(Descriptor(owning: writer)))
        var long = PacketWriter(2)
        long.add(bytes: [UInt8](repeating: 1, count: 400_001))
        network.send(long)
        loop.run()
        var byte: UInt8 = 0
        guard unsafe read(reader, &byte, 1) == 1, byte == 0x78 else { throw Failed("the pipe") }
        // The other end's end.
        network.close()
        return said
    }
}

/// Questions that are waited for, answered by a thread that was there before.
func calls() throws -> Work {
    var pair = try PacketPair()
    let channel = try CallChannel(owning: pair.takeOne(), time: .seconds(20))
    let server = CallServer(owning: pair.takeOther(), limit: 1_000_000)
    return { worker in
        worker.begin {
            try? server.serve { question in
                guard question.count > 1 else { return nil }
                var answer = PacketWriter(2)
                answer.add(bytes: question)
                return answer
            }
        }
        for count in [1, 300_000] {
            var question = PacketWriter(1)
            question.add(bytes: [UInt8](repeating: 3, count: count))
            guard try channel.call(question, limit: 1_000_000).count == question.bytes.count + 5
            else { throw Failed("an answer") }
        }
        // One that it does not get.
        do throws(PacketError) {
            _ = try channel.call(PacketWriter(1), limit: 10)
            return "an answer"
        } catch {
            return error.code == .endedEarly ? "done" : "\(error)"
        }
    }
}
