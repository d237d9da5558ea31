// Opens a client's TLS stream, for sessions and for the program.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
package import Sockets
package import TLS

extension TLSStream {
    /// A client's stream whose handshake is done.
    ///
    /// - Throws: what the handshake throws; the peer has then been told why.
    package static func open(
        _ context: TLSContext, serverName: ServerName, over channel: Channel
    ) async throws(StreamError) -> TLSStream {
        let stream = try TLSStream(client: context, serverName: serverName, over: channel)
        do throws(StreamError) {
            try await stream.handshake()
        } catch {
            if error.code != .handshakeTimedOut { await stream.close() }
            throw error
        }
        return stream
    }

    /// - Throws: `noRemoteSessions` if the server doesn't speak `parley/1`.
    package func requireRemoteSessions() throws(StreamError) {
        guard applicationProtocol != remoteProtocol else { return }
        throw StreamError(
            .noRemoteSessions, "the server does not offer remote sessions",
            remedy: .offerRemoteSessions)
    }
}

extension StreamError.Code {
    /// The server took no part in `parley/1`.
    package static var noRemoteSessions: Self { Self(rawValue: "noRemoteSessions") }
}
