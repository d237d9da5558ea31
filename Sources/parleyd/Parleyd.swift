// The server program.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Commands
internal import Console
internal import Glibc
internal import Programs
internal import Records
internal import Sockets
internal import System
internal import TLS

@main
struct Parleyd {
    static func main() {
        fillStandardDescriptors()
        sealMemory()
        Signals.ignoreFailedWrites()
        Program.keepEnds()
        // Freed record buffers are kept for the next record instead of being given back each time.
        mallopt(M_TRIM_THRESHOLD, 64 << 20)
        mallopt(M_TOP_PAD, 1 << 20)
        do {
            let words = try commandLine()
            if words.first == "reload" {
                try ReloadRequest(
                    Array(words.dropFirst()), environment: ServiceNotice.environment
                ).run()
            }
            if words.first == "status" {
                try Status(
                    Array(words.dropFirst()), environment: ServiceNotice.environment
                ).run()
            }
            Signals.block(Server.signals)
            if words == [Network.word], Network.isAsked { try Network.run() }
            if words == [Warden.word], Warden.isAsked { Warden.run() }
            if words.first == "check" { try Check(Array(words.dropFirst())).run() }
            let options = try ServerOptions(words)
            let server = try Server(options)
            let status = try server.run()
            withExtendedLifetime(server) { exit(status) }
        } catch let error as UsageError {
            Log.end("parleyd", "\(error); see parleyd --help", status: 64)
        } catch let error as CredentialError {
            Log.end("parleyd", error.told, status: 78)
        } catch let error as TableError {
            Log.end("parleyd", error.told, status: 78)
        } catch let error as ConfigurationError {
            Log.end("parleyd", error.told, status: 78)
        } catch let error as AuditError {
            Log.end("parleyd", error.told, status: 78)
        } catch let error as StreamError {
            Log.end("parleyd", error.told, status: 69)
        } catch {
            Log.end("parleyd", error.told, status: 70)
        }
    }
}
