// A file descriptor with one owner.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A file descriptor, closed when its one owner is gone.
public struct Descriptor: ~Copyable, Sendable {
    /// The number, valid as long as the owner lives.
    public let number: Int32

    /// Takes over an open descriptor; nobody else may close it from here on.
    public init(owning number: Int32) {
        self.number = number
    }

    /// Gives the descriptor up without closing it; the caller owns it from here on.
    public consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    deinit {
        // Never retried: on Linux the number is free again even after EINTR (close(2)).
        _ = Glibc.close(number)
    }
}
