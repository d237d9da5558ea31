// A server's name in sentences.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// The server as the user named it, and its address if the configuration has another one.
struct NamedServer {
    /// Empty if there is none: a command line that could not be read, or both ends of a pair.
    let name: String
    private let address: String?

    /// - Parameters:
    ///   - name: as the user wrote it.
    ///   - endpoint: what the client connects to.
    init(_ name: String, at endpoint: Endpoint?) {
        self.name = name
        guard let endpoint, let typed = Endpoint(name, defaultPort: endpoint.port),
            typed.host != endpoint.host
        else {
            address = nil
            return
        }
        address = endpoint.description
    }

    /// The name, and the address in parentheses where it differs.
    var description: String { name + (address.map { " (\($0))" } ?? "") }

    /// The name, and the address of a connection where it differs.
    func place(_ peer: SocketAddress?) -> String {
        guard let peer else { return name }
        let isAddress = Endpoint(name, defaultPort: peer.port)?.host == peer.host
        return name.isEmpty || isAddress ? peer.description : "\(name) at \(peer)"
    }

    /// A sentence with its host, since a script may ask many hosts, and a person may have several
    /// sessions.
    func named(_ sentence: String) -> String {
        let hasAddress = StreamError.namesEndpoint(sentence)
        if name.isEmpty || hasAddress && address == nil { return sentence }
        return "\(hasAddress ? name : description): \(sentence)"
    }
}
