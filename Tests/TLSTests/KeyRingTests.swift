// Which keys of a server are still signed with, and what is kept of readings that are over.
// SPDX-License-Identifier: Apache-2.0
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

@Suite(.timeLimit(.minutes(1)))
struct KeyRingTests {
    let ends: ProofEnds

    init() throws { ends = try .shared }

    /// From when another one takes its place, however often the files are read meanwhile.
    @Test func key_isThere_asLongAsAHandshakeMayTake() throws {
        let (context, start) = (try ends.server(.p256), Moment.now)
        let ring = try KeyRing(context, number: 0)
        func use(_ numbers: ClosedRange<UInt32>, at span: Duration) throws {
            for number in numbers { try ring.use(context, number: number, at: start + span) }
        }
        // One that was in force for long counts from its end.
        try use(1...1, at: .seconds(10_000))
        try use(2...200, at: .seconds(10_001))
        #expect((0...200).allSatisfy { ring.reading($0)?.number == $0 })
        try use(201...201, at: .seconds(10_000) + KeyRing.patience)
        #expect(ring.reading(0) != nil)
        try use(202...202, at: .seconds(10_001) + KeyRing.patience)
        #expect(ring.reading(0) == nil && ring.reading(1) != nil)
        try use(203...203, at: .seconds(20_000))
        #expect((0...201).allSatisfy { ring.reading($0) == nil })
        // It was in force until now.
        #expect(ring.reading(202) != nil && ring.inForce.number == 203)
    }

    @Test func keys_haveABound() throws {
        let (context, now) = (try ends.server(.p256), Moment.now)
        let ring = try KeyRing(context, number: 0)
        let last = UInt32(KeyRing.limit) + 20
        for number in 1...last { try ring.use(context, number: number, at: now) }
        #expect((0...last).filter { ring.reading($0) != nil } == Array(21...last))
    }

    /// A reload that changes only the table or the CRL costs no memory, however many there are.
    @Test func certificate_isHeldOnce_howeverOftenItIsRead() throws {
        let ring = try KeyRing(ends.server(.p256), number: 0)
        weak var first: Credentials?
        first = ring.reading(0)?.credentials
        #expect(first != nil)
        try ring.use(ends.server(.p256, asksClient: false, minimum: .tls12), number: 1)
        #expect(first == nil)
        #expect(ring.reading(0)?.credentials === ring.reading(1)?.credentials)
        // What they differ in is still each reading's own.
        #expect(ring.reading(0)?.asksForClients == true)
        #expect(ring.reading(0)?.signsKeyExchanges == false)
        #expect(ring.reading(1)?.asksForClients == false)
        #expect(ring.reading(1)?.signsKeyExchanges == true)
        // Another certificate takes nothing from it, and it can come back.
        let kept = try #require(ring.reading(1)).credentials
        try ring.use(ends.server(.rsa), number: 2)
        #expect(ring.reading(0)?.credentials === kept && ring.reading(1)?.credentials === kept)
        let other = try #require(ring.reading(2)).credentials
        try ring.use(ends.server(.p256), number: 3)
        let newest = try #require(ring.reading(3)).credentials
        #expect(newest !== kept && ring.reading(2)?.credentials === other)
        #expect((0...1).allSatisfy { ring.reading($0)?.credentials === newest })
    }

    /// A list of revoked certificates may have any length.
    @Test func trust_isKept_ofWhatIsInForceOnly() throws {
        weak var first: TLSContext?
        weak var second: TLSContext?
        let ring = try { () throws -> KeyRing in
            let context = try ends.server(.p256)
            first = context
            return try KeyRing(context, number: 0)
        }()
        #expect(first != nil)
        try {
            let context = try ends.server(.p256)
            second = context
            try ring.use(context, number: 1)
        }()
        #expect(first == nil && second != nil)
        #expect(ring.reading(0)?.asksForClients == true)
        #expect(ring.inForce.chains != nil)
        try ring.use(ends.server(.rsa, asksClient: false, minimum: .tls12), number: 2)
        #expect(second == nil && ring.inForce.chains == nil)
        #expect(ring.reading(2)?.asksForClients == false)
        #expect(ring.reading(2)?.signsKeyExchanges == true)
    }
}
