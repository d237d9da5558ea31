// The version of both programs.
// SPDX-License-Identifier: Apache-2.0
internal import TLS

/// Also the version of the packages. `scripts/release --prepare` changes it, together with the
/// changelogs' headings.
private let version = "0.1.0"

/// `0.1.0`.
public var programVersion: String { version }

/// `parley 0.1.0 (OpenSSL 3.0.19 27 Jan 2026)`.
public func versionLine(of program: String) -> String {
    "\(program) \(version) (\(openSSLVersion))"
}
