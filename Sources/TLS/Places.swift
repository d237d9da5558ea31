// The folders where certificates are looked for.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Where files are looked for that no option names. Not the current folder: anyone who can write
/// there could make us trust their CA.
package struct Places: Sendable {
    /// In order of preference.
    package let folders: [String]
    /// The user named the folder, and so expects its contents to count.
    let isNamed: Bool

    /// - Parameters:
    ///   - named: the only one, if the user names one.
    ///   - forUser: whether the user's own folder comes before the system's.
    package init(named: String?, forUser: Bool) {
        isNamed = named != nil
        if let named {
            folders = [named]
        } else {
            let ofUser = forUser ? UserFolder.configuration.map { [$0] } ?? [] : []
            folders = ofUser + [SystemFolder.configuration]
        }
    }

    /// The named certificate and key, or those with their purpose's name, both from the first folder that has
    /// the certificate.
    package func files(
        for purpose: Credentials.Purpose, certificate: String?, key: String?
    ) throws(CredentialError) -> (certificate: String, key: String) {
        let name = purpose.rawValue
        let folder = folder(with: "\(name).pem") ?? folder(with: "\(name).key")
        guard let folder = folder ?? (certificate != nil && key != nil ? "" : nil) else {
            let missing = certificate == nil ? "\(name).pem" : "\(name).key"
            throw CredentialError.missing(missing, in: folders)
        }
        return (certificate ?? "\(folder)/\(name).pem", key ?? "\(folder)/\(name).key")
    }

    /// The first folder that has the file; nil if none has.
    func folder(with name: String) -> String? {
        folders.first { Self.mayExist("\($0)/\(name)") }
    }

    /// A file that can't be examined counts as existing, so that reading it reports the error.
    private static func mayExist(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }
}
