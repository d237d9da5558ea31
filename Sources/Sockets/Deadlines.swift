// How long a peer may be silent.
// SPDX-License-Identifier: Apache-2.0

/// What a peer's silence may cost, in seconds.
public struct Deadlines: Sendable {
    public var handshake = 10.0
    public var idle = 300.0
    public var close = 5.0
    /// After so much silence a remote session asks its peer whether it is there; 0 for never.
    public var keepalive = 15.0
    public init() {}

    /// The same, but often enough that a peer has time to answer before it is taken for gone.
    var ping: Double { min(keepalive, idle / 3) }
}

/// `10 s`, `0.5 s`.
package func format(seconds: Double) -> String {
    seconds == seconds.rounded() && abs(seconds) < 1e15 ? "\(Int(seconds)) s" : "\(seconds) s"
}
