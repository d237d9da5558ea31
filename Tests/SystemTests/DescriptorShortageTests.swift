// Tests of what is said of a file where no descriptor is free.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System
@testable import TestSupport

/// In processes of their own, which may use up all their descriptors.
@Suite(.timeLimit(.minutes(1)))
struct DescriptorShortageTests {
    @Test func root_thatCannotBeOpened_isToldWithTheReason() async {
        await #expect(processExitsWith: .success) {
            await Spares(limit: 64).takeAll(but: 0)
            let sentence = refusal(of: "/etc/passwd")
            precondition(sentence == "/ cannot be examined (\(shortage))", sentence)
        }
    }

    @Test func root_towardsWhichALinkLeads_isToldWithTheReason() async {
        await #expect(processExitsWith: .success) {
            guard let sandbox = try? TemporaryFolder(),
                (try? sandbox.link("l", "/etc/passwd")) != nil
            else { preconditionFailure("no sandbox") }
            // The folder, the link in it, and no more.
            await Spares(limit: 64).takeAll(but: 2)
            let sentence = withExtendedLifetime(sandbox) { refusal(of: sandbox["l"]) }
            precondition(sentence == "/ cannot be examined (\(shortage))", sentence)
        }
    }
}

private var shortage: String { unsafe String(cString: strerror(EMFILE)) }

private func refusal(of path: String) -> String {
    do throws(FileError) {
        _ = try TrustedFile(path)
        return "it was opened"
    } catch {
        return error.sentence
    }
}
