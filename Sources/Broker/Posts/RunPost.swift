// A client asks for a command.
// SPDX-License-Identifier: Apache-2.0
package import Remote

/// From the network process: a run whose turn has come. It is always answered: with `AnsweredPost`,
/// `RefusedPost`, `FinishedPost` or `StartedPost`. The session's next run comes after that, and after `ToldPost` if it
/// was `StartedPost`.
package struct RunPost: Message, Equatable {
    package static var kind: PostKind { .run }

    package var handle: Handle
    package var request: Request
    /// The client cancelled it before its turn came.
    package var wasCancelled: Bool
    /// This process has no free descriptor, which a program's pipes may need.
    package var isShort: Bool

    package init(handle: Handle, request: Request, wasCancelled: Bool, isShort: Bool = false) {
        self.handle = handle
        self.request = request
        self.wasCancelled = wasCancelled
        self.isShort = isShort
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        wasCancelled = try reader.bool()
        isShort = try reader.bool()
        var room = Frame.requestLimit
        let name = try reader.text(atMost: room)
        room -= name.utf8.count
        let arguments = try reader.list(atMost: Frame.argumentLimit) {
            (reader) throws(PacketError) in
            let argument = try reader.text(atMost: room)
            room -= argument.utf8.count
            return argument
        }
        request = Request(name: name, arguments: arguments)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(wasCancelled)
        writer.add(isShort)
        writer.add(text: request.name)
        writer.add(list: request.arguments) { $0.add(text: $1) }
    }
}
