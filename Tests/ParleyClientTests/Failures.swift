// What the library's calls fail with, as tests compare it.
// SPDX-License-Identifier: Apache-2.0
import ParleyClient
import Testing

@testable import TestSupport

extension ParleyError {
    /// The case's name.
    var kind: String { Mirror(reflecting: self).children.first?.label ?? "" }
}

/// Expects a call to fail.
///
/// - Parameters:
///   - kind: the error's case.
///   - host: what its sentence must name.
///   - words: what its sentence must have as well.
/// - Returns: the error.
@discardableResult
func expectFailure<R>(
    _ kind: String, at host: String, _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation, _ call: () async throws -> R
) async throws -> ParleyError {
    do {
        let result = try await call()
        Issue.record("it returned \(result)", sourceLocation: sourceLocation)
        throw DidNotHappen(what: kind)
    } catch let error as ParleyError {
        #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
        for word in [host] + words {
            #expect(error.sentence.contains(word), sourceLocation: sourceLocation)
        }
        #expect(!error.sentence.hasSuffix("."), sourceLocation: sourceLocation)
        #expect("\(error)" == error.sentence, sourceLocation: sourceLocation)
        return error
    }
}

extension Credentials {
    /// Those of a set of certificates.
    static func of(_ set: String = "ours") throws -> Credentials {
        Credentials(certs: try CertificateSets.shared[set])
    }
}

extension Session {
    /// A session of the client of `ours`.
    static func open(_ host: String) async throws -> Session {
        try await connect(to: host, credentials: .of())
    }
}
