// The file of session secrets.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct KeyLogTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    @Test func keyLog_hasTheSecretsOfBothEnds_inTheSameWords() throws {
        var (ours, theirs) = (TLSOptions(), TLSOptions())
        ours.keyLog = try KeyLog(certificates.path("client.log"))
        theirs.keyLog = try KeyLog(certificates.path("server.log"))
        let pair = try MemoryPair(
            client: certificates.client(options: ours),
            server: certificates.server(options: theirs))
        pair.client.proceed()
        let hello = try #require(ClientHello(pair.client.sent.history))
        try pair.establish()
        let lines = try run(["cat", certificates.path("client.log")])
            .split(separator: "\n").map { $0.split(separator: " ") }
        // The labels of the NSS key-log format for TLS 1.3.
        #expect(
            Set(lines.map(\.[0])).isSuperset(of: [
                "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0",
            ]))
        let random = hello.random.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        for line in lines {
            #expect(line.count == 3)
            #expect(line[1] == random)
        }
        let others = try run(["cat", certificates.path("server.log")])
            .split(separator: "\n").map { $0.split(separator: " ") }
        #expect(Set(others) == Set(lines))
    }

    @Test func keyLog_isForItsOwnerOnly_andGrows() throws {
        let path = certificates.path("grows.log")
        var options = TLSOptions()
        for round in 1...2 {
            options.keyLog = try KeyLog(path)
            try MemoryPair(
                client: certificates.client(options: options), server: certificates.server()
            ).establish()
            let lines = try run(["cat", path]).split(separator: "\n")
            #expect(lines.count { $0.hasPrefix("CLIENT_TRAFFIC_SECRET_0 ") } == round)
        }
        var status = stat()
        try #require(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test(arguments: [0o604, 0o640, 0o644])
    func keyLog_isRefused_whereOthersCouldReadIt(_ mode: Int) throws {
        let path = certificates.path("open-\(mode).log")
        try run(["touch", path])
        try #require(unsafe chmod(path, mode_t(mode)) == 0)
        let refusal = credentialCode { () throws(CredentialError) in try KeyLog(path) }
        #expect(refusal == .keyReadableByOthers)
    }

    @Test(arguments: ["folder.pem", "nowhere/x.log"])
    func keyLog_isRefused_whereItCannotBeWritten(_ name: String) {
        let refusal = credentialCode { () throws(CredentialError) in
            try KeyLog(certificates.path(name))
        }
        #expect(refusal == .unreadable)
    }
}
