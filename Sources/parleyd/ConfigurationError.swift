// What was configured can't be used.
// SPDX-License-Identifier: Apache-2.0
internal import Records

/// What was configured can't be used.
struct ConfigurationError: Error, CustomStringConvertible {
    /// One sentence without its full stop: what is wrong and what mends it.
    let description: String

    init(_ description: String) { self.description = description }

    init(_ error: AuditError) {
        switch error {
        case .file(let error): self.init("the audit file \(error)")
        case .standardError(let reason):
            self.init(
                "the audit trail cannot be written to standard error (\(reason)); name a file with --audit"
            )
        }
    }
}
