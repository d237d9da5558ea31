// Whom a line of the operator's goes to.
// SPDX-License-Identifier: Apache-2.0
import Broker
import Sockets
import Testing

@testable import Console
@testable import TestSupport
@testable import parleyd

@Suite(.timeLimit(.minutes(1)))
struct OperatorLinesTests {
    /// Whether the answer comes before or after its client has left.
    @Test(arguments: [false, true])
    func aLineForAClientWhoHasLeft_goesToNobodyElse(_ isEarly: Bool) async throws {
        try await onLoop { loop in
            var sent: [PostKind?] = []
            var lost = 0
            let lines = OperatorLines(
                isTerminal: true, loop: loop,
                send: { sent.append($0.bytes.first.flatMap(PostKind.init(rawValue:))) },
                lost: { lost += 1 })
            let first = loop.spawn { (try? await lines.next(limit: 10)) ?? nil }
            await turns(5)
            first.cancel()
            if !isEarly { await turns(5) }
            lines.take(LinePost(.line(Array("for one".utf8))))
            #expect(await first.value == nil)
            #expect(lost == 1)
            let second = loop.spawn { (try? await lines.next(limit: 10)) ?? nil }
            await turns(5)
            lines.take(LinePost(.line(Array("for two".utf8))))
            #expect(await second.value == Array("for two".utf8))
            #expect(sent.filter { $0 == .ask }.count == 2)
            #expect(sent.filter { $0 == .askNoMore }.count == (isEarly ? 0 : 1))
        }
    }
}
