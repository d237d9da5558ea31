// A listener that nobody reaches.
// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Sockets
@testable import TestSupport

/// A listener whose queue is full, so that the kernel drops what would connect.
final class SilentListener {
    let endpoint: Endpoint
    let address: SocketAddress
    private let listening: RawSocket
    private let filling: RawSocket

    init(_ host: String = "127.0.0.1") throws(StreamError) {
        listening = try RawSocket(boundTo: localAddress(host))
        try listening.listen(backlog: 0)
        endpoint = listening.endpoint
        address = try localAddress(host, endpoint.port)
        // The queue takes one more than its backlog.
        filling = try RawSocket(connectedTo: localAddress(host, endpoint.port))
        listening.waitReadable()
    }

    /// Waits until somebody else tries to connect.
    func isTried() async throws {
        try await eventually("somebody connects") { attempts > 0 }
    }

    /// The connects under way, by the kernel's table (proc(5), `/proc/net/tcp`).
    var attempts: Int {
        let port = String(endpoint.port, radix: 16, uppercase: true)
        return ["/proc/net/tcp", "/proc/net/tcp6"].reduce(0) { sum, path in
            sum
                // A kernel without IPv6 has no table of it.
                + ((try? contents(of: path)) ?? "").split(separator: "\n").count { line in
                    let fields = line.split(separator: " ")
                    return fields.count > 3 && fields[3] == "02"
                        && fields[2].drop { $0 != ":" }.drop { $0 == ":" || $0 == "0" } == port
                }
        }
    }
}
