// What was configured can't be used.
// SPDX-License-Identifier: Apache-2.0
internal import Records
internal import System

/// What was configured can't be used, beside the certificates and the table themselves.
typealias ConfigurationError = Fault<Configuration>

/// The domain of `ConfigurationError`.
enum Configuration: FaultDomain {}

extension ConfigurationError {
    init(_ error: AuditError) {
        switch error {
        case .file(let error):
            self.init(.auditUnusable, "the audit file \(error)", cause: error.cause)
        case .standardError(let reason):
            self.init(
                .auditUnusable,
                "the audit trail cannot be written to standard error (\(reason)); name a file with --audit"
            )
        }
    }
}

extension ConfigurationError.Code {
    /// The audit trail can't be opened.
    static var auditUnusable: Self { Self(rawValue: "auditUnusable") }
    /// The table has programs, and nothing says whose certificates are accepted.
    static var clientsUnknown: Self { Self(rawValue: "clientsUnknown") }
}
