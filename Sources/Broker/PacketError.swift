// Why a channel between the two processes can no longer be used.
// SPDX-License-Identifier: Apache-2.0
package import System

/// What ended a channel between the two processes, or what is wrong with a message on one.
package typealias PacketError = Fault<Packets>

/// The domain of `PacketError`.
package enum Packets: FaultDomain {}

extension PacketError {
    /// - Parameter what: what is wrong with the message, as the rest of a sentence.
    package static func malformed(_ what: String) -> PacketError {
        PacketError(.malformed, "the other process sent a malformed message: \(what)")
    }

    /// A failed call on the channel's socket, by its `errno`.
    init(_ operation: String, errno number: Int32) {
        let reason = Errno(number)
        self.init(.system, "\(operation): \(reason)", cause: .system(reason))
    }

    /// The other end is gone in the middle of something.
    static let endedEarly = PacketError(
        .endedEarly, "the other process ended the channel in the middle of a message")
}

extension PacketError.Code {
    /// What came is not in the required form.
    package static var malformed: Self { Self(rawValue: "malformed") }
    /// A message is longer than the channel's limit.
    package static var tooLarge: Self { Self(rawValue: "tooLarge") }
    /// Descriptors came where none may, or the wrong number of them.
    package static var descriptors: Self { Self(rawValue: "descriptors") }
    /// Descriptors came, and this process can't have any more.
    package static var descriptorsExhausted: Self { Self(rawValue: "descriptorsExhausted") }
    /// The other process doesn't read what it is sent.
    package static var notTaken: Self { Self(rawValue: "notTaken") }
    /// The other process didn't answer in time.
    package static var timedOut: Self { Self(rawValue: "timedOut") }
    /// The other process has closed the channel although a message or an answer was due.
    package static var endedEarly: Self { Self(rawValue: "endedEarly") }
    /// A system call has failed.
    package static var system: Self { Self(rawValue: "system") }
}
