// One remote session's server, seen from the session.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Remote
internal import Serving
internal import Sockets
internal import System

/// Gives the fixed replies in force, and asks the broker for everything else. Confined to its loop.
final class SessionHost: RemoteHost {
    private let house: House
    private let standing: Standing
    private let link: SessionLink

    init(_ house: House, _ standing: Standing, _ link: SessionLink) {
        self.house = house
        self.standing = standing
        self.link = link
    }

    var replies: FixedReplies { house.replies }
    var answers: SharedAnswers { house.answers }

    var objection: Refusal? {
        house.commons.census.isEnding ? .shuttingDown : standing.objection
    }

    func ask(_ request: Request, wasCancelled: Bool) async -> RunAnswer {
        await link.ask(request, wasCancelled: wasCancelled)
    }

    func refused(_ name: String, _ refusal: Refusal) { link.noteRefusal(refusal, of: name) }

    func replied(_ name: Span<UInt8>) {
        if house.commons.settings.isRecorded { link.noteReply(name) }
    }

    func wroteReplies() { link.writeReplies() }
}
