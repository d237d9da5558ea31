// The client program.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import Hosts
internal import Records
internal import Remote
internal import Sockets
internal import System
internal import TLS

@main
struct Parley {
    static func main() {
        fillStandardDescriptors()
        sealMemory()
        Signals.ignoreFailedWrites()
        Signals.block(Client.signals)
        var run: RunOptions?
        var server = NamedServer("", at: nil)
        do {
            let words = try commandLine()
            if words.first == "complete" { complete(Array(words.dropFirst())) }
            let options = try ClientOptions(words)
            run = options.run
            server = options.server
            if let messages = options.messages { try Command.check(messages) }
            if let command = run?.command { try RemoteRequest.check(command) }
            exit(try Client(options).run())
        } catch let error as UsageError {
            Log.end(
                "parley", "\(error); see parley --help", status: ExitStatus.failure, code: "usage",
                run: objects(asked: repairedCommandLine().prefix { $0 != "--" }))
        } catch let error as TextError {
            Log.end(
                "parley", error.told, status: ExitStatus.failure, code: error.code.rawValue,
                run: objects(asked: repairedCommandLine().prefix { $0 != "--" }))
        } catch let error as CredentialError {
            Log.end(
                "parley", error.told, status: ExitStatus.failure, code: error.code.rawValue,
                run: run)
        } catch let error as StreamError {
            Log.end(
                "parley", error.told, status: ExitStatus(error).number,
                code: error.code.rawValue, run: run, server: server)
        } catch {
            Log.end("parley", error.told, status: ExitStatus.failure, run: run)
        }
    }

    /// For a shell.
    private static func complete(_ words: [String]) -> Never {
        let offered = OfferedCommands()
        let completion = Completion(words) { path in
            // A mistake has no place here either.
            (try? HostsConfiguration(named: path))?.names ?? []
        } help: { words in
            offered.help(words, ask: OfferedCommands.ask)
        }
        guard !completion.text.isEmpty else { exit(0) }
        endAfterPrinting(completion.text, failure: ExitStatus.failure)
    }

    /// Where to write objects. Found by looking at the words, since the command line could not be
    /// parsed.
    private static func objects(asked words: ArraySlice<String>) -> RunOptions? {
        guard words.contains("run") else { return nil }
        let option = "--status-fd"
        var number: Int32?
        for (word, next) in zip(words, words.dropFirst() + [""]) {
            // Not trimmingPrefix, which would link the library of regular expressions.
            guard word == option || word.hasPrefix("\(option)=") else { continue }
            let value = word == option ? next : String(word.dropFirst(option.count + 1))
            guard value != word else { continue }
            number = try? statusDescriptor(value)
        }
        return RunOptions(
            server: NamedServer("", at: nil), command: nil, isBatch: false,
            isJSON: words.contains("--json"),
            statusDescriptor: number)
    }
}
