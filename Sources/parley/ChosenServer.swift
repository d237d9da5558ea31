// The server of a command line, with what the configuration says about it.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Hosts
internal import Sockets

/// A server as the user named it, and how to reach it.
struct ChosenServer {
    /// As it was typed, or 127.0.0.1.
    let typed: String
    let endpoint: Endpoint
    let settings: HostSettings
    /// The command line; the configuration has set the options that were not given.
    let arguments: Arguments

    /// - Throws: `UsageError`; `TextError` for a mistake in the configuration.
    init(_ given: Arguments, host: String?, defaultPort: UInt16) throws {
        if let host, let at = host.lastIndex(of: "@") {
            throw UsageError(
                "'\(host)' names a user, but Parley identifies callers by their certificates; use \(host[host.index(after: at)...]) alone"
            )
        }
        typed = host ?? "127.0.0.1"
        guard let named = Endpoint(typed, defaultPort: 1) else {
            throw UsageError(
                "'\(typed)' is not a valid host; use HOST, HOST:PORT or [IPV6]:PORT, with a port up to 65535"
            )
        }
        settings = try HostsConfiguration(named: given["config"]).settings(for: named.host)
        arguments = given.completed(by: Self.options(settings, unless: given))
        let port = try arguments.port("port") ?? defaultPort
        let host = settings[.address]?.texts[0] ?? named.host
        let typedPort = Endpoint(typed, defaultPort: port)?.port ?? port
        endpoint = Endpoint(host: host, port: typedPort)
        guard endpoint.port > 0 else { throw UsageError("cannot connect to port 0") }
    }

    /// How sentences name it.
    var named: NamedServer { NamedServer(typed, at: endpoint) }

    /// The options that the configuration sets. A folder that the command line names is meant to decide all that is in
    /// it.
    private static func options(
        _ settings: HostSettings, unless given: Arguments
    ) -> [(name: String, value: String)] {
        HostKey.allCases.flatMap { key -> [(name: String, value: String)] in
            guard let option = key.option, let value = settings[key],
                !(given.has("certs") && HostKey.inFolder.contains(key))
            else { return [] }
            return value.texts.map { (option, $0) }
        }
    }
}

extension HostKey {
    /// The option that has precedence over the configuration; nil for the host itself.
    var option: String? {
        switch self {
        case .address: nil
        case .serverName: "server-name"
        default: rawValue
        }
    }
}
