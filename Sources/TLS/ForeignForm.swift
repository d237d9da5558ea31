// Files that contain what is needed, in another format than the PEM that OpenSSL reads.
// SPDX-License-Identifier: Apache-2.0
internal import System

extension PEMFile {
    /// The sentence for a file that would be usable once converted; nil for all others. The commands
    /// write another file and leave this one unchanged.
    func foreignForm(for content: PEMContent) -> CredentialError? {
        guard let (form, conversion) = conversion(for: content) else { return nil }
        // A key's file must not be open to others even for a moment.
        let command = content == .key ? "umask 077; \(conversion)" : conversion
        return CredentialError(.notPEM, "\(path) is \(form); convert it: \(command)")
    }

    private func conversion(for content: PEMContent) -> (form: String, command: String)? {
        let file = shellWord(path)
        switch (byte(at: 0), byte(at: 1)) {
        case (0xff, 0xfe), (0xfe, 0xff):
            return ("UTF-16 text", "iconv -f UTF-16 -t UTF-8 \(file) > FILE")
        default: break
        }
        if let start = startOfDER {
            // PKCS #12 begins with its version, 3 (RFC 7292, section 4).
            let version = (0..<3).map { byte(at: start + $0) }
            return version == [2, 1, 3]
                ? ("in PKCS #12 format", "openssl pkcs12 -noenc -in \(file) -out FILE")
                : ("in DER format", "\(content.command) -inform DER -in \(file) -out FILE")
        }
        guard contains("-----BEGIN ") else { return nil }
        if !contains("\n") {
            if contains("\r") {
                return (
                    "text whose lines end with carriage returns",
                    "tr '\\r' '\\n' < \(file) > FILE"
                )
            }
            if contains("\\n") {
                return (
                    "text whose line ends are written out as \\n",
                    "sed 's/\\\\n/\\n/g' \(file) > FILE"
                )
            }
        }
        switch content {
        case .key where contains("-----BEGIN OPENSSH PRIVATE KEY-----"):
            return (
                "in OpenSSH's format",
                "cp \(file) FILE && ssh-keygen -p -m PKCS8 -f FILE (which cannot convert an Ed25519 key)"
            )
        case .certificate where contains("-----BEGIN PKCS7-----"):
            return ("in PKCS #7 format", "openssl pkcs7 -print_certs -in \(file) -out FILE")
        default: return nil
        }
    }

    /// Where the contents of a file begin that is one DER sequence; nil for any other file.
    private var startOfDER: Int? {
        guard byte(at: 0) == 0x30, let first = byte(at: 1) else { return nil }
        guard first & 0x80 != 0 else { return Int(first) + 2 == count ? 2 : nil }
        let bytes = (0..<Int(first & 0x7f)).prefix(4).map { byte(at: 2 + $0) ?? 0 }
        let length = bytes.reduce(0) { $0 << 8 | Int($1) }
        return 2 + bytes.count + length == count ? 2 + bytes.count : nil
    }
}
