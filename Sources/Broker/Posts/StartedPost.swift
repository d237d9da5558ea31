// A program runs, or is being started.
// SPDX-License-Identifier: Apache-2.0

/// From the broker: a run's program runs, or is being started. With it come the other ends of the program's pipes: its
/// output, its error output, and its input if it takes any. `EndsPost` answers it. If they could not be sent it says
/// so, and comes without them.
package struct StartedPost: Message, Equatable {
    package static var kind: PostKind { .started }

    package var handle: Handle
    /// The command's name.
    package var name: String
    /// How many bytes it may write to both outputs together.
    package var outputLimit: UInt64
    package var takesInput: Bool
    package var hasEnds: Bool

    package init(
        handle: Handle, name: String, outputLimit: Int, takesInput: Bool, hasEnds: Bool = true
    ) {
        self.hasEnds = hasEnds
        self.handle = handle
        self.name = name
        self.outputLimit = UInt64(outputLimit)
        self.takesInput = takesInput
    }

    /// The same if they can't be sent.
    var withoutEnds: Self {
        var post = self
        post.hasEnds = false
        return post
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        name = try reader.text(atMost: Longest.name)
        outputLimit = try reader.readUInt64()
        takesInput = try reader.bool()
        hasEnds = try reader.bool()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(text: name)
        writer.add(outputLimit)
        writer.add(takesInput)
        writer.add(hasEnds)
    }
}

/// From the network process: whether it has the ends that came with a `StartedPost`, so that there is somebody
/// to receive the program's output. If it doesn't, they are sent again later.
package struct EndsPost: Message, Equatable {
    package static var kind: PostKind { .ends }

    package var handle: Handle
    package var haveCome: Bool

    package init(handle: Handle, haveCome: Bool) {
        self.handle = handle
        self.haveCome = haveCome
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        haveCome = try reader.bool()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(haveCome)
    }
}

/// From the broker: a program that takes input is running. Its output may be sent, and its input may be asked
/// for.
package struct RunningPost: Message, Equatable {
    package static var kind: PostKind { .running }

    package var handle: Handle

    package init(handle: Handle) { self.handle = handle }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) { writer.add(handle) }
}
