// `parley config`: what is in force for a host, and why.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Hosts
internal import Records
internal import Sockets
internal import System
internal import TLS

/// The values with which `parley run` would connect to a host, each with its origin. Nothing is connected to, and no
/// certificate is read.
struct ConfigReport {
    private enum Origin {
        case option, standard
        case file(FilePlace)
    }

    private struct Row {
        let key: HostKey
        /// Nil if there is none.
        let value: String?
        let origin: Origin
    }

    private let rows: [Row]
    private let isJSON: Bool

    /// - Throws: `UsageError`, `TextError`, `CredentialError`.
    init(_ given: Arguments) throws {
        var operands = given.operands.dropFirst()
        guard let host = operands.popFirst() else {
            throw UsageError("missing host; use parley config HOST")
        }
        if let extra = operands.first ?? given.rest?.first {
            throw UsageError("unexpected argument '\(extra)'; config takes one host")
        }
        for name in ["plaintext", "batch", "status-fd"] where given.has(name) {
            throw UsageError("--\(name) has no effect with config; omit it")
        }
        let server = try ChosenServer(
            given, host: host, defaultPort: Conversation.command.defaultPort)
        isJSON = given.has("json")
        rows = try Self.rows(server, given)
    }

    /// Prints the report, and ends the process.
    func end() -> Never {
        endAfterPrinting(
            rows.map { isJSON ? object($0) : line($0) }.joined(separator: "\n"),
            failure: ExitStatus.failure)
    }

    private static func rows(_ server: ChosenServer, _ given: Arguments) throws -> [Row] {
        let arguments = server.arguments
        let security = try SecurityOptions(arguments, role: .client)
        let files = security.clientFiles
        let own = try files.own()
        var deadlines = Deadlines()
        try deadlines.readKeepalive(arguments)

        func origin(_ key: HostKey) -> Origin {
            let place = server.settings[key].map { Origin.file($0.place) }
            // Without one in the configuration, the address is the host of the command line.
            guard let option = key.option else { return place ?? .option }
            if given.has(option) { return .option }
            return arguments.has(option) ? place ?? .standard : .standard
        }
        func row(_ key: HostKey, _ value: String?, _ from: Origin? = nil) -> Row {
            Row(key: key, value: value, origin: from ?? origin(key))
        }
        /// The file of a folder has the folder's origin.
        func file(_ key: HostKey, _ path: String?) -> Row {
            row(key, path, path == nil || arguments.has(key.rawValue) ? nil : origin(.certs))
        }

        let hasTypedPort =
            Endpoint(server.typed, defaultPort: 1)?.port
            == Endpoint(server.typed, defaultPort: 2)?.port
        let name = arguments["server-name"] ?? server.endpoint.host
        do { _ = try ServerName(name) } catch {
            throw UsageError("'\(name)' is not a valid server name: \(error.told)")
        }
        let pins = arguments.all("pin")
        return [
            row(.address, server.endpoint.host),
            row(.port, String(server.endpoint.port), hasTypedPort ? .option : nil),
            row(.serverName, name, arguments.has("server-name") ? nil : origin(.address)),
        ] + files.folders.map { row(.certs, $0) } + [
            file(.cert, own?.certificate), file(.key, own?.key),
            file(.ca, files.anchors),
        ] + (pins.isEmpty ? [row(.pin, nil)] : pins.map { row(.pin, $0) }) + [
            row(.crl, arguments["crl"]),
            row(.keepalive, arguments["keepalive"] ?? "\(deadlines.keepalive.components.seconds)"),
        ]
    }

    private func line(_ row: Row) -> String {
        let origin =
            switch row.origin {
            case .option: "option"
            case .standard: "default"
            case .file(let place): place.line.map { "\(place.file):\($0)" } ?? place.file
            }
        return "\(row.key.rawValue)\t\(printable(row.value ?? "-"))\t\(printable(origin))"
    }

    private func object(_ row: Row) -> String {
        var line = JSONLine()
        line.add("key", row.key.rawValue)
        if let value = row.value { line.add("value", value) }
        switch row.origin {
        case .option: line.add("origin", "option")
        case .standard: line.add("origin", "default")
        case .file(let place):
            line.add("origin", "file")
            line.add("file", place.file)
            if let number = place.line { line.add("line", number) }
        }
        return String(decoding: line.line.dropLast(), as: UTF8.self)
    }
}
