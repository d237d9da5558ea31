// Certificates of the project's own script, for what connects two ends.
// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Two sets of `scripts/generate-certs`, made once a run and removed at its end. Their CAs know nothing of each
/// other: `ours` has the clients client and alice, `theirs` has client.
final class CertificateSets: Sendable {
    static var shared: CertificateSets { get throws { try made.get() } }

    private let folder: TemporaryFolder

    private static let made = Result { try CertificateSets() }

    private init() throws {
        folder = try TemporaryFolder()
        for arguments in ["ours --client client --client alice=email:alice@example.org", "theirs"] {
            let script = repository("scripts/generate-certs")
            let line = "exec '\(script)' --out '\(folder.path)'/\(arguments)"
            guard unsafe system("\(line) >'\(folder.path)/said' 2>&1") == 0 else {
                throw DidNotHappen(what: try contents(of: folder["said"]))
            }
        }
        // Statics are never released.
        atexit { (try? CertificateSets.shared).map { TemporaryFolder.remove($0.folder.path) } }
    }

    /// The path of a set's folder, or of a file in it.
    subscript(name: String) -> String { folder[name] }
}
