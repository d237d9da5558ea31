// Places for the sessions of tests.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Synchronization

@testable internal import TLS
@testable internal import Vouching

/// Gives as many places as it has, and keeps whom it was asked for.
final class TestPlaces: SessionAdmission {
    private let state: Mutex<(free: Int, asked: [String])>

    init(_ free: Int = .max) { state = Mutex((free, [])) }

    var free: Int { state.withLock { $0.free } }
    var asked: [String] { state.withLock { $0.asked } }

    static let refusal = Refusal(.identitySessions, "there is none")

    func place(for client: PeerIdentity) -> Result<any SessionPlace, Refusal> {
        state.withLock { state in
            state.asked.append(client.description)
            guard state.free > 0 else { return .failure(Self.refusal) }
            state.free -= 1
            return .success(Place(self))
        }
    }

    private final class Place: SessionPlace {
        private let places: TestPlaces
        init(_ places: TestPlaces) { self.places = places }
        deinit { places.state.withLock { $0.free += 1 } }
    }
}
