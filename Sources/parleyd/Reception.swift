// What gives sessions their desks.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Remote
internal import Sockets
internal import TLS
internal import Vouching

/// Creates the desks of a loop's sessions. Confined to the main loop.
final class Reception: BrokerOffice {
    private let office: Office

    private let clients: ShownClients
    /// The loop's number.
    private let loop: Int

    /// - Parameter clients: those of the loop's sessions.
    init(_ office: Office, _ clients: ShownClients, loop: Int) {
        self.loop = loop
        self.office = office
        self.clients = clients
    }

    func desk(_ handle: Handle) -> any SessionDesk {
        office.sessionBegins()
        let shown = clients[handle]
        guard let client = shown, let proven = client.proven else {
            return Desk(nil, turnedAway: shown?.turnedAway, office: office)
        }
        let chain = client.chain
        let policy = office.policy
        let standing = Standing(
            proven.identity, generation: client.reading == policy.key ? policy.generation : nil,
            log: office.log, isTooOld: office.ageCheck,
            inForce: { [office] in office.policy.generation },
            verify: { [office] in
                // Remembered until part of the chain or one of its CRLs expires: a start needs no verification
                // beyond that one.
                guard let chains = office.ring?.inForce.chains else { return nil }
                do throws(ChainRefusal) {
                    _ = try chains.verify(chain)
                    return nil
                } catch {
                    return error.failure
                }
            })
        return Desk(
            standing, runsCommands: proven.speaks(remoteProtocol), turnedAway: client.turnedAway,
            office: office)
    }

    func sessionEnded(_ handle: Handle) {
        clients.remove(handle)
        office.sessionEnded()
    }

    func note(_ strangers: StrangersPost) { office.record(strangers) }

    func say(connections: Int) { office.note(connections: connections, at: loop) }
}
