// How many sessions an identity may have, and who gets the last ones.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Testing

@testable import Remote
@testable import Vouching
@testable import parleyd

@Suite struct SessionBookTests {
    private static func book(_ all: Int, _ identity: Int, _ reserved: Int) -> SessionBook {
        SessionBook(SessionBook.Limits(all: all, identity: identity, reserved: reserved))
    }

    @Test func anIdentity_hasAsManyAsOneMay() {
        var book = Self.book(16, 3, 0)
        for _ in 0..<3 { #expect(book.begin("a") == nil) }
        #expect(book.begin("a") == .identitySessions)
        #expect(book.begin("b") == nil)
        book.end("a")
        #expect(book.begin("a") == nil)
        #expect(book.begin("a") == .identitySessions)
        #expect(book.count == 4)
    }

    @Test func theLastPlaces_areForThoseWithoutOne() {
        var book = Self.book(8, 8, 2)
        for _ in 0..<6 { #expect(book.begin("a") == nil) }
        #expect(book.begin("a") == .reservedSessions)
        #expect(book.begin("b") == nil)
        #expect(book.begin("b") == .reservedSessions)
        #expect(book.begin("c") == nil)
        #expect(book.begin("d") == .sessions)
        #expect(book.count == 8)
        book.end("a")
        #expect(book.begin("a") == .reservedSessions)
        #expect(book.begin("d") == nil)
    }

    /// Few identities that have all that they may have leave room for as many others as are kept.
    @Test(arguments: [16, 100, 10_000])
    func colludingIdentities_shutNobodyOutWhoHasNone(_ all: Int) throws {
        let limits = try ServerOptions(
            ["command", "--client-ca", "x", "--max-sessions", "\(all)"]
        ).identityLimits.sessions
        #expect(limits.identity == all / 4 && limits.reserved == max(1, all / 16))
        var book = SessionBook(limits)
        for _ in 0..<all { for name in ["a", "b", "c", "d", "e"] { _ = book.begin(name) } }
        let newcomers = (0..<limits.reserved).filter { book.begin("new \($0)") == nil }.count
        #expect(newcomers == limits.reserved)
        #expect(book.count == all)
    }

    @Test func whoLeaves_isForgotten() {
        var book = Self.book(8, 2, 1)
        for name in ["a", "b", "c"] { #expect(book.begin(name) == nil) }
        for name in ["a", "b", "c", "d", "a"] { book.end(name) }
        #expect(book.count == 0 && book.identities == 0)
    }

    @Test func fewSessions_areKeptForNobody() throws {
        for (all, kept) in [(1, 0), (3, 0), (4, 1), (16, 1), (32, 2)] {
            let limits = try ServerOptions(
                ["command", "--client-ca", "x", "--max-sessions", "\(all)"]
            ).identityLimits.sessions
            #expect(limits == .init(all: all, identity: max(1, all / 4), reserved: kept))
        }
    }

    // MARK: Places

    /// One identity is whoever has the same first name, whatever else the certificate has, or else the same key.
    @Test func anIdentity_isTheFirstName() {
        let places = SessionPlaces(.init(all: 9, identity: 1, reserved: 0))
        let kept = [
            places.place(for: Identity(names: ["dns:a", "dns:b"], key: "k1")),
            places.place(for: Identity(names: ["dns:A"], key: "k2")),
            places.place(for: Identity(names: ["dns:b"], key: "k1")),
            places.place(for: Identity(names: [], key: "k1")),
            places.place(for: Identity(names: [], key: "k1")),
        ]
        #expect(kept.map { (try? $0.get()) != nil } == [true, false, true, true, false])
        #expect(places.count == 3)
        guard case .failure(let refusal) = kept[1] else { return }
        #expect(refusal.code == .busy && refusal.limit == .identitySessions)
        #expect(refusal.sentence.contains("its limit of open sessions (1)"))
        withExtendedLifetime(kept) {}
    }

    @Test func aPlace_isFreeAgainWhenNobodyHoldsIt() {
        let places = SessionPlaces(.init(all: 1, identity: 1, reserved: 0))
        let client = Identity(names: ["dns:a"], key: "k")
        var place = try? places.place(for: client).get()
        #expect(place != nil && places.count == 1)
        place = nil
        #expect(places.count == 0)
        place = try? places.place(for: client).get()
        #expect(place != nil)
    }
}
