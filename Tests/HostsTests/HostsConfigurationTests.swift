// Which value is in force for a host.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Hosts
@testable import JSON5

@Suite(.timeLimit(.minutes(1)))
struct HostsConfigurationTests {
    @Test func firstMatch_winsForEachKey() throws {
        let configuration = try Self.configuration(
            """
            {hosts: {
              web1: {address: '10.0.0.1'},
              'web* !web9': {address: '10.0.0.2', port: 2},
              '*': {port: 3, keepalive: 4},
            }}
            """)
        #expect(Self.texts(configuration, "web1") == ["10.0.0.1", "2", "4"])
        #expect(Self.texts(configuration, "web2") == ["10.0.0.2", "2", "4"])
        #expect(Self.texts(configuration, "web9") == [nil, "3", "4"])
        let place = configuration.settings(for: "web1")[.port]?.place
        #expect(place?.description == "/0:3:39")
    }

    @Test func order_decides_andNotHowWellAPatternFits() throws {
        let configuration = try Self.configuration("{hosts: {'*': {port: 1}, web1: {port: 2}}}")
        #expect(configuration.settings(for: "web1")[.port]?.texts == ["1"])
    }

    @Test func firstFile_winsForEachKey() throws {
        let configuration = try Self.configuration(
            "{hosts: {web1: {port: 1}}}", "{hosts: {'*': {port: 2, address: 'a'}, web2: {}}}")
        #expect(Self.texts(configuration, "web1") == ["a", "1", nil])
        #expect(configuration.settings(for: "web1")[.address]?.place.file == "/1")
        #expect(configuration.names == ["web1", "web2"])
    }

    @Test func folder_decidesWhatIsInIt() throws {
        let later = "'*': {cert: '/c', key: '/k', ca: '/a', crl: '/r'}"
        let settings = try Self.configuration("{hosts: {h: {certs: '/d'}, \(later)}}")
            .settings(for: "h")
        #expect(settings[.certs]?.texts == ["/d"])
        #expect(settings[.cert] == nil && settings[.key] == nil && settings[.ca] == nil)
        #expect(settings[.crl]?.texts == ["/r"])
    }

    @Test func ca_besideOrBeforeAFolder_counts() throws {
        let beside = try Self.configuration("{hosts: {h: {certs: '/d', ca: '/a'}}}")
        #expect(beside.settings(for: "h")[.ca]?.texts == ["/a"])
        let before = try Self.configuration(
            "{hosts: {h: {ca: '/a'}, '*': {certs: '/d', crl: '/r'}, 'h*': {ca: '/b'}}}")
        #expect(before.settings(for: "h")[.ca]?.texts == ["/a"])
        #expect(before.settings(for: "h")[.certs]?.texts == ["/d"])
    }

    private static func configuration(_ texts: String...) throws -> HostsConfiguration {
        HostsConfiguration(
            try texts.enumerated().map { try HostsFile(text: $1, path: "/\($0)") })
    }

    private static func texts(_ configuration: HostsConfiguration, _ host: String) -> [String?] {
        let settings = configuration.settings(for: host)
        return [.address, .port, .keepalive].map { settings[$0]?.texts[0] }
    }
}
