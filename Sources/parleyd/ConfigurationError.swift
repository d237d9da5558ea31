// A configuration that can't be used.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Why the configuration can't be used, apart from faults in the certificates, the table and the audit
/// trail themselves.
typealias ConfigurationError = Fault<Configuration>

/// The domain of `ConfigurationError`.
enum Configuration: FaultDomain {}

extension ConfigurationError.Code {
    /// No reload could be requested, or its result is unknown.
    static var notReloaded: Self { Self(rawValue: "notReloaded") }
    /// The table has programs, but no CA was named for the clients' certificates.
    static var clientsUnknown: Self { Self(rawValue: "clientsUnknown") }
}
