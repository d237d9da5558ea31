// Runs a command on several servers at once, and reports how it ended on each.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import ParleyClient

/// Usage: disk-report [--certs DIR] [--patience SECONDS] HOST[:PORT]... [-- COMMAND ARGUMENT...]
@main
struct DiskReport {
    static func main() async {
        var credentials = Credentials()
        var patience: Duration?
        var command = ["disk", "/"]
        var words = CommandLine.arguments.dropFirst()
        if let end = words.firstIndex(of: "--") {
            command = Array(words[(end + 1)...])
            words = words[..<end]
        }
        var hosts: [String] = []
        while let word = words.popFirst() {
            switch word {
            case "--certs": credentials.certs = words.popFirst()
            case "--patience": patience = words.popFirst().flatMap(Double.init).map { .seconds($0) }
            default: hosts.append(word)
            }
        }
        guard !hosts.isEmpty, let name = command.first else {
            print("usage: disk-report [--certs DIR] [--patience SECONDS] HOST... [-- COMMAND...]")
            exit(64)
        }
        let arguments = Array(command.dropFirst())
        let report = Task { [credentials, hosts] in
            await withTaskGroup(of: Bool.self) { group in
                for host in hosts {
                    group.addTask { await ask(host, credentials, name, arguments) }
                }
                var isAllRight = true
                for await isRight in group where !isRight { isAllRight = false }
                return isAllRight
            }
        }
        if let patience {
            Task {
                try? await Task.sleep(for: patience)
                report.cancel()  // Ends the command on each server.
            }
        }
        exit(await report.value ? 0 : 1)
    }

    /// - Returns: whether the command succeeded.
    static func ask(
        _ host: String, _ credentials: Credentials, _ command: String, _ arguments: [String]
    ) async -> Bool {
        do {
            let session = try await Session.connect(to: host, credentials: credentials)
            for try await event in session.stream(command, arguments: arguments) {
                switch event {
                // A reader of standard output that pauses makes the program on the server pause.
                case .output(let bytes), .errorOutput(let bytes):
                    print(String(decoding: bytes, as: UTF8.self), terminator: "")
                    fflush(nil)
                case .ended(let outcome):
                    print("\(host): \(outcome)")
                    await session.close()
                    return outcome.isSuccess
                }
            }
        } catch {
            print(error)  // Its sentence, which names the host.
        }
        return false
    }
}
