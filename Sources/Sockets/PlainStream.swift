// A stream without encryption: the channel's own bytes.
// SPDX-License-Identifier: Apache-2.0
public import System

/// The bytes of a channel, unchanged.
public final class PlainStream: ByteStream {
    public let channel: Channel
    public let peerName: String? = nil
    public var readAhead: [UInt8]?

    public init(_ channel: Channel) {
        self.channel = channel
    }

    public func attemptRead(into output: inout OutputSpan<UInt8>) throws(StreamError) -> Attempt {
        let result = unsafe output.withUnsafeMutableBufferPointer { buffer, count in
            let room = unsafe UnsafeMutableRawBufferPointer(
                UnsafeMutableBufferPointer(rebasing: buffer[count...]))
            let result = unsafe channel.receive(into: room)
            count += max(0, result)
            return result
        }
        switch result {
        case 1...:
            if channel.opening.speaksTLS { throw Self.peerSpeaksTLS }
            return .moved(result)
        case 0: return .ended
        case Channel.wouldBlock: return .blocked(.read)
        default: throw broken(in: "the read", -result)
        }
    }

    public func attemptWrite(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt {
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe channel.send(UnsafeRawBufferPointer($0))
        }
        switch result {
        case 0...: return .moved(result)
        case Channel.wouldBlock: return .blocked(.write)
        default:
            throw broken(in: "the write", -result)
        }
    }

    /// The kernel reports a reset once, and then an end that looks clean.
    private func broken(in operation: String, _ number: Int) -> StreamError {
        let error = StreamError.broken(in: operation, errno: Int32(number))
        channel.fail(error)
        return error
    }

    public func attemptClose() throws(StreamError) -> Attempt { .moved(0) }

    /// The error if the first bytes were a TLS record.
    public static let peerSpeaksTLS = StreamError(
        .peerSpeaksTLS,
        "the peer speaks TLS, but this end speaks plaintext", remedy: .speakTLS)
}
