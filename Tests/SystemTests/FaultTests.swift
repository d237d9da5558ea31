// What is left of a fault that is passed on.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import System

@Suite
struct FaultTests {
    private enum Pots: FaultDomain {
        enum Remedy { case takeALid }
    }
    private enum Pans: FaultDomain {}

    private let fault = Fault<Pots>(
        .init(rawValue: "hot"), in: FilePlace("pot", line: 2, column: 3), "it boils",
        remedy: .takeALid, cause: .system(Errno(5)))

    @Test func aFaultThatIsSaidOtherwise_keepsAllButItsSentence() {
        let other = fault.saying("the soup: \(fault.sentence)")
        #expect(other.sentence == "the soup: it boils")
        #expect(other.code == fault.code)
        #expect(other.place == fault.place)
        #expect(other.remedy == .takeALid)
        #expect(other.cause == .system(Errno(5)))
    }

    @Test func aFaultThatMeansSomethingElseFurtherUp_keepsItsCause() {
        let other = fault.saying("there is no soup", as: .init(rawValue: "hungry"))
        #expect(other.code.rawValue == "hungry")
        #expect(other.place == fault.place)
        #expect(other.remedy == .takeALid)
        #expect(other.cause == .system(Errno(5)))
    }

    @Test func whereItIs_isShownToWhoeverDebugs() {
        #expect(fault.debugDescription == "hot: pot:2:3: it boils [takeALid]")
        let plain = Fault<Pans>(.init(rawValue: "hot"), "it boils")
        #expect(plain.debugDescription == "hot: it boils")
        #expect(plain.description == "it boils")
    }
}
