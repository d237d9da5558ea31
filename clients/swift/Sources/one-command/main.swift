// Runs one command on a server: one-command HOST
// SPDX-License-Identifier: Apache-2.0
import ParleyClient

let session = try await Session.connect(to: CommandLine.arguments[1])
let result = try await session.run("disk", arguments: ["/"], timeout: .seconds(30))
print(result.outcome, String(decoding: result.output, as: UTF8.self))
await session.close()
