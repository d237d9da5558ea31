// Who gives sessions their desks.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Sockets
internal import TLS

/// Makes the desks of the office's sessions. Confined to the main loop.
final class Reception: BrokerOffice {
    private let office: Office

    init(_ office: Office) { self.office = office }

    func desk(_ chain: [UInt8]?) throws(PacketError) -> any SessionDesk {
        guard let chain else { return Desk(nil, office: office) }
        guard let client = try? ClientChain(chain), let leaf = try? client.certificates().first
        else { throw .malformed("a chain that was verified can't be read") }
        let standing = Standing(
            // Its loop may have verified it under a policy that is not in force any more.
            PeerIdentity(leaf), generation: nil, log: office.log,
            inForce: { [office] in office.policy },
            verify: { context in
                do throws(ChainRefusal) {
                    _ = try VerifiedChain(client, under: context)
                    return nil
                } catch {
                    return error.failure
                }
            })
        return Desk(standing, office: office)
    }

    func sessionEnded() { office.commons.census.sessionEnded() }
}
