// Signers that refuse, that err, and that are many; and what a thousand handshakes leave.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Sockets
internal import Synchronization
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(2)))
struct RemoteSignerTests {
    typealias Kind = RemoteKeys.Kind
    let keys: RemoteKeys

    init() throws { keys = try .shared }

    // MARK: No signature

    @Test(
        arguments: [Kind.p256, .rsa2048, .pss, .ed25519].flatMap { kind in
            Moody.Mood.withoutSignature.map { (kind, $0) }
        }, [TLS1_2_VERSION, TLS1_3_VERSION])
    func handshakeWithoutASignature_failsAlone(
        _ wrong: (kind: Kind, mood: Moody.Mood), _ version: Int32
    ) throws {
        let signer = Moody(try keys.signer(wrong.kind))
        let server = try keys.server(wrong.kind, signer, minimum: .tls12)
        let client = try keys.client(upTo: version)
        let before = try MemoryPair(client: client, server: server)
        before.client.proceed()
        signer.mood = wrong.mood
        let pair = try MemoryPair(client: client, server: server)
        pair.handshake()
        #expect(pair.server.progress == .failed(.noSignature))
        let sentence = pair.server.failure?.sentence ?? ""
        let reason = wrong.mood == .refuses ? ": not now" : " bytes, and the key's have 1 to "
        #expect(sentence.contains(reason), "\(sentence)")
        // internal_error (RFC 8446, section 6.2).
        #expect(pair.client.progress == .failed(.tlsFailed))
        #expect(pair.client.failure?.sentence.contains("internal error") == true)
        // The first failure is permanent.
        let again = failureCode { () throws(StreamError) in
            try pair.server.stream.attemptHandshake()
        }
        #expect(again == .noSignature)
        signer.mood = .signs
        try before.establish()
        try MemoryPair(client: client, server: server).establish()
    }

    @Test(
        arguments: Kind.servers.flatMap { kind in
            Moody.Mood.withBadSignature.map { (kind, $0) }
        }, [TLS1_2_VERSION, TLS1_3_VERSION])
    func badSignature_isTheClientsToFind(
        _ wrong: (kind: Kind, mood: Moody.Mood), _ version: Int32
    ) throws {
        let signer = Moody(try keys.signer(wrong.kind))
        let server = try keys.server(wrong.kind, signer, minimum: .tls12)
        signer.mood = wrong.mood
        let pair = try MemoryPair(client: keys.client(upTo: version), server: server)
        pair.handshake()
        #expect(pair.client.progress == .failed(.tlsFailed))
        // The alert comes within a server's handshake.
        guard case .failed(let code) = pair.server.progress else {
            Issue.record("\(pair.server.progress)")
            return
        }
        #expect(code != .noSignature)
        signer.mood = .signs
        try MemoryPair(client: keys.client(upTo: version), server: server).establish()
    }

    @Test func errorsOfTheSigners_areNotTheHandshakes() throws {
        let signer = Moody(try keys.signer(.p256))
        let server = try keys.server(.p256, signer)
        signer.mood = .leavesErrors
        // An end asserts after each call that the queue is empty.
        try MemoryPair(client: keys.client(), server: server).establish()
    }

    // MARK: Whose signature

    @Test func nothingIsSigned_butInAHandshake() throws {
        let signer = try keys.signer(.p256)
        let pair = try MemoryPair(client: keys.client(), server: keys.server(.p256, signer))
        _ = signer.asked
        pair.client.proceed()
        // A read would do the handshake as well.
        #expect(failureCode { () throws(StreamError) in try pair.server.read() } == .tlsFailed)
        #expect(signer.asked.isEmpty)
    }

    /// A signer that shakes hands itself, with a key that is elsewhere, before it signs.
    @Test func handshakeWithinASignature_hasItsOwnSigner() throws {
        let inner = (signer: try keys.signer(.ed25519), outer: try keys.signer(.p384))
        let (innerServer, client) = (
            try keys.server(.ed25519, number: 2, inner.signer), try keys.client()
        )
        let isRehearsed = Mutex(false)
        let outer = AnyAnswer { request throws(SigningRefusal) in
            // Not for the trial, which has no connection.
            if request.connection != nil {
                do {
                    try MemoryPair(client: client, server: innerServer).establish()
                } catch {
                    throw SigningRefusal("\(error)")
                }
                isRehearsed.withLock { $0 = true }
            }
            return try inner.outer.signature(for: request)
        }
        let pair = try MemoryPair(
            client: client, server: keys.server(.p384, number: 1, outer))
        _ = (inner.signer.asked, inner.outer.asked)
        try pair.establish()
        #expect(isRehearsed.withLock { $0 })
        let (ofInner, ofOuter) = (inner.signer.asked, inner.outer.asked)
        #expect(ofInner.map(\.key) == [2])
        #expect(ofInner[0].connection != ObjectIdentifier(pair.server.stream))
        #expect(ofOuter.map(\.key) == [1])
        #expect(ofOuter[0].connection == ObjectIdentifier(pair.server.stream))
    }

    @Test func refusalWithinASignature_isNotTheOuterHandshakes() throws {
        let inner = Moody(try keys.signer(.ed25519))
        let local = try keys.signer(.p384)
        let (innerServer, client) = (try keys.server(.ed25519, inner), try keys.client())
        inner.mood = .refuses
        let outer = AnyAnswer { request throws(SigningRefusal) in
            if let pair = try? MemoryPair(client: client, server: innerServer) { pair.handshake() }
            return try local.signature(for: request)
        }
        try MemoryPair(client: client, server: keys.server(.p384, outer)).establish()
    }

    /// Each signs for the connections of its own loop, while the other does the same.
    @Test func twoKeysOnTwoThreads_areEachAskedForTheirOwn() async throws {
        let kinds: [Kind] = [.p256, .ed25519]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, kind) in kinds.enumerated() {
                group.addTask { [keys] in
                    try await onLoop { _ in
                        let signer = try keys.signer(kind)
                        let server = try keys.server(kind, number: number, signer)
                        let client = try keys.client()
                        _ = signer.asked
                        for _ in 0..<100 {
                            let pair = try MemoryPair(client: client, server: server)
                            try pair.establish()
                            let asked = signer.asked
                            #expect(asked.map(\.key) == [number])
                            #expect(asked[0].connection == ObjectIdentifier(pair.server.stream))
                            #expect((asked[0].scheme == .ed25519) == (kind == .ed25519))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// The same two contexts on both loops, by turns of the steps.
    @Test func oneContext_servesTwoThreads() async throws {
        let signer = try keys.signer(.p256)
        let (server, client) = (try keys.server(.p256, signer), try keys.client())
        _ = signer.asked
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    try await onLoop { _ in
                        let pairs = try (0..<50).map { _ in
                            try MemoryPair(client: client, server: server)
                        }
                        for pair in pairs { pair.client.proceed() }
                        for pair in pairs { pair.server.proceed() }
                        for pair in pairs { try pair.establish() }
                    }
                }
            }
            try await group.waitForAll()
        }
        let connections = signer.asked.compactMap(\.connection)
        #expect(connections.count == 100)
    }

    // MARK: openssl.cnf

    @Test(
        arguments: [
            ("alg_section = a\n[a]\ndefault_properties = provider=default", true),
            ("alg_section = a\n[a]\ndefault_properties = ?fips=yes", true),
            ("alg_section = a\n[a]\ndefault_properties = ?provider=parley", true),
            // It is read: without any algorithm there is no key, here or elsewhere.
            ("alg_section = a\n[a]\ndefault_properties = provider=nobody", false),
            ("providers = p\n[p]\ndefault = d\nbase = d\n[d]\nactivate = 1", true),
            // Of our name, from a file that isn't there.
            ("providers = p\n[p]\ndefault = d\nparley = d\n[d]\nactivate = 1", true),
            (
                """
                providers = p
                [p]
                other = o
                default = d
                [o]
                identity = null
                activate = 1
                [d]
                activate = 1
                """, true
            ),
            (
                """
                ssl_conf = s
                [s]
                system_default = t
                [t]
                SignatureAlgorithms = ECDSA+SHA384:ed25519:rsa_pss_rsae_sha384
                """, true
            ),
        ])
    func configuration_doesNoHarm(_ sections: String, _ canBeUsed: Bool) async throws {
        let path = try Authority().folder + "/openssl.cnf"
        try TestSupport.write(Array("openssl_conf = c\n[c]\n\(sections)\n".utf8), to: path)
        await #expect(processExitsWith: canBeUsed ? .success : .failure) {
            [keys = keys as RemoteKeys, path = path as String] in
            // Before OpenSSL is used: it reads the file once.
            unsafe setenv("OPENSSL_CONF", path, 1)
            for kind: Kind in [.p384, .rsa2048, .ed25519] {
                let signer = try keys.signer(kind)
                let pair = try MemoryPair(
                    client: keys.client(), server: keys.server(kind, signer))
                try pair.establish()
                guard signer.asked.count == 2 else {
                    throw ProgramFailure(description: "\(kind): not signed elsewhere")
                }
            }
        }
    }

    // MARK: A thousand

    @Test func thousandHandshakes_leaveNoMemory() async throws {
        await #expect(processExitsWith: .success) { [keys = keys as RemoteKeys] in
            try #require(Blocks.areCounted)
            let signer = Moody(try keys.signer(.p256))
            let (server, client) = (try keys.server(.p256, signer), try keys.client())
            func handshake(_ number: Int) throws {
                // Of each manner there are some.
                let moods = Moody.Mood.allCases
                signer.mood = number % 5 == 0 ? moods[number / 5 % moods.count] : .signs
                let pair = try MemoryPair(client: client, server: server)
                pair.handshake()
                #expect(ErrorQueue.drain().isEmpty)
                #expect(
                    signer.mood != .signs || pair.server.progress == .done,
                    "\(number): \(pair.server.progress)")
                // A key that is made and goes.
                if number % 10 == 0 { _ = try keys.credentials(.p384, keys.signer(.p384)) }
            }
            for number in 0..<200 { try handshake(number) }
            let before = Blocks.count.load(ordering: .relaxed)
            for number in 0..<1_000 { try handshake(number) }
            // Each manner has come more often than that.
            let growth = Blocks.count.load(ordering: .relaxed) - before
            #expect(growth < 20, "\(growth) blocks more than \(before)")
        }
    }
}

/// OpenSSL's blocks of memory, the provider's among them.
private enum Blocks {
    static let count = Atomic(0)

    /// From OpenSSL's first call on, which this must come before.
    static let areCounted =
        unsafe CRYPTO_set_mem_functions(
            { size, _, _ in
                count.add(1, ordering: .relaxed)
                return unsafe malloc(size)
            },
            { block, size, _, _ in
                if unsafe block == nil { count.add(1, ordering: .relaxed) }
                return unsafe realloc(block, max(1, size))
            },
            { block, _, _ in
                if unsafe block != nil { count.subtract(1, ordering: .relaxed) }
                unsafe free(block)
            }) == 1
}

/// A signer that does what it's in the mood for.
final class Moody: RemoteSigner {
    enum Mood: CaseIterable, Sendable {
        case signs, leavesErrors
        case refuses, saysNothing, saysAByteTooMuch, saysTooMuch
        case alters, cuts, invents

        static let withoutSignature: [Mood] = [
            .refuses, .saysNothing, .saysAByteTooMuch, .saysTooMuch,
        ]
        static let withBadSignature: [Mood] = [.alters, .cuts, .invents]
    }

    private let local: LocalSigner
    private let state = Mutex(Mood.signs)
    var mood: Mood {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    init(_ local: LocalSigner) { self.local = local }

    func signature(for request: SigningRequest) throws(SigningRefusal) -> [UInt8] {
        var signature = try local.signature(for: request)
        _ = local.asked
        switch mood {
        case .signs: break
        case .leavesErrors:
            #expect(unsafe BIO_new_file("/nowhere", "r") == nil)
            #expect(ERR_peek_error() != 0)
        case .refuses:
            // With an error of its own, which is nobody's.
            _ = unsafe BIO_new_file("/nowhere", "r")
            throw SigningRefusal("not now")
        case .saysNothing: signature = []
        // ECDSA's may be shorter than the longest.
        case .saysAByteTooMuch: signature += [UInt8](repeating: 0, count: 1 + longest(signature))
        case .saysTooMuch: signature = [UInt8](repeating: 0x30, count: 1_000_000)
        case .alters: signature[signature.count - 1] ^= 1
        case .cuts: signature.removeLast()
        case .invents: signature = (0..<signature.count).map { _ in .random(in: 0...255) }
        }
        return signature
    }

    /// How much room there may be after it.
    private func longest(_ signature: [UInt8]) -> Int {
        signature[0] == 0x30 && signature.count < 73 ? 72 - signature.count : 0
    }
}
