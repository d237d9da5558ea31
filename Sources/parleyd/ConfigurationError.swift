// What was configured can't be used.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What was configured can't be used, beside the certificates, the table and the audit trail themselves.
typealias ConfigurationError = Fault<Configuration>

/// The domain of `ConfigurationError`.
enum Configuration: FaultDomain {}

extension ConfigurationError.Code {
    /// No reload could be asked for, or nobody knows how it went.
    static var notReloaded: Self { Self(rawValue: "notReloaded") }
    /// The table has programs, and nothing says whose certificates are accepted.
    static var clientsUnknown: Self { Self(rawValue: "clientsUnknown") }
}
