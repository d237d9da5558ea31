// The places of sessions, which clients with certificates have by identity.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Remote
internal import Synchronization
internal import TLS
internal import Vouching

/// Gives a session a place once its client has shown who it is, across all loops. Safe on any
/// thread.
final class SessionPlaces: SessionAdmission {
    private let limits: SessionBook.Limits
    private let book: Mutex<SessionBook>

    init(_ limits: SessionBook.Limits) {
        self.limits = limits
        book = Mutex(SessionBook(limits))
    }

    /// How many are taken.
    var count: Int { book.withLock { $0.count } }

    func place(for client: PeerIdentity) -> Result<any SessionPlace, Refusal> {
        place(for: client.attribution)
    }

    func place(for identity: Identity) -> Result<any SessionPlace, Refusal> {
        place(for: identity.description)
    }

    private func place(for identity: String) -> Result<any SessionPlace, Refusal> {
        guard let limit = book.withLock({ $0.begin(identity) }) else {
            return .success(Place(self, identity))
        }
        return .failure(refusal(limit))
    }

    private func refusal(_ limit: Refusal.Limit) -> Refusal {
        switch limit {
        case .identitySessions:
            Refusal(
                limit,
                "this identity has reached its limit of open sessions (\(limits.identity)); end one of them, or try again later"
            )
        case .reservedSessions:
            Refusal(
                limit,
                "the last sessions are reserved for identities that have none, and this one has some; use one of those, or try again later"
            )
        default:
            Refusal(
                limit,
                "\(limits.all) sessions are open, the server's limit; try again later")
        }
    }

    /// A place in an object, since a dictionary can't hold noncopyable values.
    private final class Place: SessionPlace {
        private let places: SessionPlaces
        private let identity: String

        init(_ places: SessionPlaces, _ identity: String) {
            self.places = places
            self.identity = identity
        }

        deinit { places.book.withLock { $0.end(identity) } }
    }
}
