// What a server remembers of the clients that it has seen.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct SeenPeersTests {
    private let all: [Certificate]

    init() throws {
        let certificates = try CertificateFixture.shared
        all = try ["ours/client.pem", "ours/server.pem", "other/client.pem"].map {
            try Certificate.read(certificates.path($0))[0]
        }
    }

    /// As the next handshake brings it.
    private func again(_ certificate: Certificate) throws -> Certificate {
        try #require(Certificate(der: certificate.der))
    }

    @Test func aCertificateThatWasSeen_isNotReadAgain() throws {
        let peers = SeenPeers()
        for _ in 1...2 {
            for certificate in all {
                let identity = try peers.identity(in: again(certificate))
                #expect(identity == PeerIdentity(certificate))
                // The first reader's, which the second doesn't make.
                #expect(identity.label { "\($0)" } == certificate.identity.description)
            }
            #expect(peers.count == all.count)
        }
        let made = Mutex(0)
        for certificate in all {
            let identity = try peers.identity(in: again(certificate))
            _ = identity.label { _ in
                made.withLock { $0 += 1 }
                return "another"
            }
        }
        #expect(made.withLock { $0 } == 0)
        expectEmptyErrorQueue()
    }

    @Test func moreThanThereIsRoomFor_isForgotten() throws {
        let peers = SeenPeers(room: all[0].der.count + all[1].der.count)
        var counts: [Int] = []
        for certificate in [all[0], all[1], all[1], all[2], all[0]] {
            #expect(try peers.identity(in: again(certificate)) == PeerIdentity(certificate))
            counts.append(peers.count)
        }
        #expect(counts == [1, 2, 2, 1, 2])
        let none = SeenPeers(room: all[0].der.count - 1)
        #expect(none.identity(in: all[0]) == PeerIdentity(all[0]))
        #expect(none.count == 0)
    }

    @Test func label_isMadeOnceForAllCopies_andIsNoPartOfWhatItIs() {
        let identity = PeerIdentity(all[0])
        let copy = identity
        #expect(identity.label { "\($0.serial) once" } == "\(identity.serial) once")
        #expect(copy.label { _ in "twice" } == "\(identity.serial) once")
        #expect(copy == PeerIdentity(all[0]) && copy != PeerIdentity(all[1]))
        #expect(Set([copy, PeerIdentity(all[0]), PeerIdentity(all[1])]).count == 2)
    }
}
