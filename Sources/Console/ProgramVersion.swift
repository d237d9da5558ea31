// The version of both programs.
// SPDX-License-Identifier: Apache-2.0
internal import TLS

/// `parley 0.1.0 (OpenSSL 3.0.19 27 Jan 2026)`.
public func versionLine(of program: String) -> String {
    "\(program) 0.1.0 (\(openSSLVersion))"
}
