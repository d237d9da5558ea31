// What a configuration may say, and where a mistake in it is.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Hosts
@testable import JSON5
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct HostsFileTests {
    @Test(
        arguments: [
            ("address: '10.0.0.1'", .address, ["10.0.0.1"]),
            ("address: '[::1]'", .address, ["::1"]),
            ("address: 'a.example.org'", .address, ["a.example.org"]), ("port: 1", .port, ["1"]),
            ("port: 65535", .port, ["65535"]), ("port: 0x10", .port, ["16"]),
            ("serverName: 'a'", .serverName, ["a"]),
            ("serverName: 'spiffe://x/y'", .serverName, ["spiffe://x/y"]),
            ("ca: 'ca.pem'", .ca, ["/etc/x/ca.pem"]),
            ("ca: '../ca.pem'", .ca, ["/etc/x/../ca.pem"]),
            ("ca: '/ca.pem'", .ca, ["/ca.pem"]), ("certs: 'web'", .certs, ["/etc/x/web"]),
            ("crl: '~x'", .crl, ["/etc/x/~x"]), ("pin: '\(good)'", .pin, [good]),
            ("pin: ['\(good)', '\(other)']", .pin, [good, other]),
            ("keepalive: 0", .keepalive, ["0"]), ("keepalive: 0.5", .keepalive, ["0.5"]),
            ("keepalive: 30", .keepalive, ["30"]),
        ] as [(String, HostKey, [String])])
    func value_isRead(text: String, key: HostKey, value: [String]) throws {
        let file = try HostsFile(text: "{hosts: {h: {\(text)}}}", path: "/etc/x/config.json5")
        #expect(file.entries[0].texts == [key: value])
    }

    @Test(arguments: ["{}", "{hosts: {}}", "{hosts: {h: {}}}", "// x\n{}"])
    func file_mayBeEmpty(text: String) throws {
        let file = try HostsFile(text: text, path: "/c")
        #expect(file.entries.allSatisfy { $0.texts.isEmpty })
    }

    @Test(
        arguments: [
            ("{▶host: {}}", .unknownKey), ("▶[]", .wrongType), ("{hosts: ▶[]}", .wrongType),
            ("{hosts: {h: ▶'x'}}", .wrongType), ("{hosts: {h: {▶prot: 1}}}", .unknownKey),
            ("{hosts: {h: {▶plaintext: true}}}", .unknownKey),
            ("{hosts: {h: {▶verify: false}}}", .unknownKey),
            ("{hosts: {h: {}, ▶h: {}}}", .duplicateKey),
            ("{hosts: {h: {port: 1, ▶port: 2}}}", .duplicateKey),
            ("{hosts: {▶'': {}}}", .invalidName), ("{hosts: {▶'!a': {}}}", .invalidName),
            ("{hosts: {h: {port: ▶0}}}", .invalidValue),
            ("{hosts: {h: {port: ▶65536}}}", .invalidValue),
            ("{hosts: {h: {port: ▶1.5}}}", .invalidValue),
            ("{hosts: {h: {port: ▶NaN}}}", .invalidValue),
            ("{hosts: {h: {port: ▶'1'}}}", .wrongType),
            ("{hosts: {h: {keepalive: ▶-1}}}", .invalidValue),
            ("{hosts: {h: {keepalive: ▶Infinity}}}", .invalidValue),
            ("{hosts: {h: {keepalive: ▶1e9}}}", .invalidValue),
            ("{hosts: {h: {address: ▶'a:1'}}}", .invalidValue),
            ("{hosts: {h: {address: ▶'[::1]:2'}}}", .invalidValue),
            ("{hosts: {h: {address: ▶''}}}", .invalidValue),
            ("{hosts: {h: {address: ▶'u@a'}}}", .invalidValue),
            ("{hosts: {h: {address: ▶1}}}", .wrongType),
            ("{hosts: {h: {serverName: ▶'a b'}}}", .invalidValue),
            ("{hosts: {h: {pin: ▶'x'}}}", .invalidValue),
            ("{hosts: {h: {pin: ▶[]}}}", .invalidValue),
            ("{hosts: {h: {pin: [▶1]}}}", .wrongType), ("{hosts: {h: {pin: ▶{}}}}", .wrongType),
            ("{hosts: {h: {ca: ▶''}}}", .invalidValue),
            ("{hosts: {h: {ca: ▶'a\\nb'}}}", .invalidValue),
            ("{hosts: {h: {ca: ▶null}}}", .wrongType),
            ("{hosts: {h: {certs: 'a', ▶cert: 'b', key: 'c'}}}", .conflictingKey),
            ("{hosts: {h: {▶key: 'c', certs: 'a'}}}", .conflictingKey),
            ("{hosts: {h: {▶cert: 'b'}}}", .missingKey), ("{hosts: {h: {▶key: 'b'}}}", .missingKey),
            ("{hosts: {h: {}}▶", .syntax), ("▶", .syntax), ("{}▶x", .syntax),
            ("{hosts: {h: {ca: 'x▶\0'}}}", .syntax),
        ] as [(String, TextError.Code)])
    func mistake_isToldWithItsPlace(marked: String, code: TextError.Code) {
        let parts = marked.split(separator: "▶", omittingEmptySubsequences: false)
        let error = #expect(throws: TextError.self) {
            try HostsFile(text: parts.joined(), path: "/c")
        }
        #expect(error?.code == code)
        let column = parts[0].unicodeScalars.count + 1
        #expect(error?.description.hasPrefix("/c:1:\(column): ") == true, "\(error as Any)")
    }

    @Test func unknownKey_namesTheNearest() {
        let error = #expect(throws: TextError.self) {
            try HostsFile(text: "{hosts: {h: {servername: 'x'}}}", path: "/c")
        }
        #expect(error?.sentence.contains("did you mean 'serverName'") == true)
    }

    @Test func nesting_hasALimit() {
        let deep = String(repeating: "[", count: 100_000)
        let error = #expect(throws: TextError.self) {
            try HostsFile(text: "{hosts: \(deep)", path: "/c")
        }
        #expect(error?.code == .tooDeep)
    }

    @Test func largestFile_isReadAndMatchedInNoTime() throws {
        let count = (1 << 20) / 20
        let hosts = (0..<count).map { "'h\($0)*':{port:1}" }.joined(separator: ",")
        let file = try HostsFile(text: "{hosts:{\(hosts)}}", path: "/c")
        #expect(file.entries.count == count)
        let settings = HostsConfiguration([file]).settings(for: "h\(count - 1)x")
        #expect(settings[.port]?.place.line == 1)
    }
}

private let good = "sha256//" + String(repeating: "A", count: 43) + "="
private let other = "key:sha256:" + String(repeating: "B", count: 42) + "A="
