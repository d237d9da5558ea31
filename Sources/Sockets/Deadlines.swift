// How long a peer may be silent.
// SPDX-License-Identifier: Apache-2.0

/// How long to wait for a silent peer.
public struct Deadlines: Sendable {
    @Nanoseconds public var handshake = Duration.seconds(10)
    @Nanoseconds public var idle = Duration.seconds(300)
    @Nanoseconds public var close = Duration.seconds(5)
    /// After this much silence a remote session pings its peer; zero for never.
    @Nanoseconds public var keepalive = Duration.seconds(15)
    public init() {}

    /// The same, but often enough that a peer has time to answer before the session ends. In whole
    /// nanoseconds: less than one would be due at once, again and again in the same turn.
    var ping: Duration {
        .nanoseconds(Int64(clamping: min(keepalive, idle / 3).inNanoseconds))
    }
}

/// A non-negative duration in 8 bytes instead of 16, since each session has its deadlines: with
/// nanosecond precision, up to 292 years.
@propertyWrapper
public struct Nanoseconds: Sendable {
    private var count: Int64

    public init(wrappedValue: Duration) { count = Int64(clamping: wrappedValue.inNanoseconds) }

    public var wrappedValue: Duration {
        get { .nanoseconds(count) }
        set { self = Self(wrappedValue: newValue) }
    }
}
