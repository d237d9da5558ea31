// TLS in a process that has confined itself.
// SPDX-License-Identifier: Apache-2.0
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(
    .timeLimit(.minutes(1)),
    .disabled(if: Machine.hasThreadSanitizer, "ThreadSanitizer has a thread that sleeps"))
struct ConfinedTests {
    /// Whatever OpenSSL of this machine calls in a handshake, a reply and an end.
    @Test(arguments: Stage.allCases)
    func mutualHandshake_andAReply_areDone(_ stage: Stage) throws {
        let outcome = try confined(stage, "handshake", [CertificateFixture.shared.directory])
        #expect(outcome.said == "done", "\(outcome)")
        #expect(!outcome.complained.contains("forbidden"), "\(outcome)")
        #expect(outcome.end == .status(0), "\(outcome)")
    }
}
