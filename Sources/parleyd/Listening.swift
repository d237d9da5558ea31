// A server's listening sockets, and what to do if they can't be opened.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

extension Endpoint {
    /// Binds every address of the host, all on the same port.
    func listeners(backlog: Int) throws(StreamError) -> [Listener] {
        var listeners: [Listener] = []
        var failure: StreamError?
        var port = self.port
        for address in try localAddresses() {
            do throws(StreamError) {
                let listener = try Listener(address.with(port: port), backlog: backlog)
                port = listener.address.port
                listeners.append(listener)
            } catch {
                // localhost is also ::1, which a machine without IPv6 doesn't have.
                guard error.code == .addressUnavailable else { throw error.withAdvice }
                failure = failure ?? error
            }
        }
        if listeners.isEmpty, let failure { throw failure.withAdvice }
        return listeners
    }
}

extension StreamError {
    /// Explains why a bind failed and what to do about it, naming the server's options.
    fileprivate var withAdvice: StreamError {
        switch code {
        case .addressInUse:
            saying(
                "\(sentence); another server is using this port: stop it, or choose another port with --port"
            )
        case .addressUnavailable:
            saying(
                "\(sentence); --host must be an address of this machine, and a port below 1024 needs CAP_NET_BIND_SERVICE"
            )
        default: self
        }
    }
}
