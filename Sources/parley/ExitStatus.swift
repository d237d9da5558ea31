// What parley ends with.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Sockets
internal import System
internal import TLS

/// parley's exit status when it failed itself.
struct ExitStatus {
    static let limit: Int32 = 251
    static let cutShort: Int32 = 252
    static let refused: Int32 = 253
    static let notTrusted: Int32 = 254
    static let failure: Int32 = 255
    let number: Int32

    init(_ error: StreamError) {
        number =
            switch error.code {
            case .truncated, .endedEarly, .reset: Self.cutShort
            case .commandRefused: Self.refused
            case let code where code.concernsTrust: Self.notTrusted
            default: Self.failure
            }
    }
}

extension Outcome {
    /// parley's exit status: the program's own, or one of Parley's.
    var exitStatus: Int32 {
        switch self {
        case .ended(.status(let number)): Int32(number)
        case .ended(.signal(let number)): 128 + Int32(number)
        case .timedOut, .overOutput: ExitStatus.limit
        case .leftRunning: ExitStatus.cutShort
        case .refused: ExitStatus.refused
        }
    }
}
