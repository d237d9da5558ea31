// The client program.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import Sessions
internal import Sockets
internal import TLS

@main
struct Parley {
    static func main() {
        fillStandardDescriptors()
        Signals.ignoreBrokenPipes()
        Signals.block(Client.signals)
        do {
            let options = try ClientOptions(Array(CommandLine.arguments.dropFirst()))
            if let messages = options.messages { try Command.check(messages) }
            if let command = options.run?.command { try Remote.check(command) }
            exit(try Client(options).run())
        } catch let error as UsageError {
            Log.end("parley", "\(error); see parley --help", status: ExitStatus.failure)
        } catch let error as CredentialError {
            Log.end("parley", error.description, status: ExitStatus.failure)
        } catch let error as StreamError {
            Log.end("parley", error.description, status: ExitStatus(error).number)
        } catch {
            Log.end("parley", "\(error)", status: ExitStatus.failure)
        }
    }
}

/// What parley ends with where it failed.
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
