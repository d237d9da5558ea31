// The benchmark's load: drives one server with small messages and reports what it cost.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Console
internal import Glibc
internal import Sockets
internal import TLS

@main
struct ParleyBench {
    static func main() {
        fillStandardDescriptors()
        Signals.ignoreFailedWrites()
        _ = parley_raise_descriptor_limit()
        do {
            let options = try BenchOptions(try commandLine())
            exit(try run(options))
        } catch let error as UsageError {
            Log.end("parley-bench", "\(error); see parley-bench --help", status: 64)
        } catch {
            Log.end("parley-bench", error.told, status: 1)
        }
    }

    private static func run(_ options: BenchOptions) throws -> Int32 {
        let loop = try EventLoop()
        let load = try Load(options, loop: loop)
        let limit = Timer(after: options.limit, on: loop) {
            Log.end(
                "parley-bench", "not finished within \(options.limit.words); \(load.complaint)",
                status: 1)
        }
        loop.spawn {
            switch options.mode {
            case .handshake: await HandshakeLoad(load).run()
            case .reply, .pipelined, .runs: await ReplyLoad(load).run()
            case .idle: await IdleLoad(load).run()
            }
            loop.stop()
        }
        loop.run()
        _ = limit
        guard let error = load.firstError else { return 0 }
        Log.end("parley-bench", "\(load.errors) errors; the first: \(error)", status: 1)
    }
}
