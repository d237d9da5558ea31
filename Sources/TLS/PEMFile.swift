// Reads a whole file of PEM blocks, with limits.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import System

/// The contents of a PEM file, wiped from memory at the end.
struct PEMFile: ~Copyable {
    let path: String
    private var bytes: [UInt8]

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - isSecret: rejects it if others can read it, as ssh does.
    init(_ path: String, isSecret: Bool = false) throws(CredentialError) {
        bytes = try Self.contents(path, isSecret ? .secret : .decision)
        self.path = path
    }

    private static func contents(
        _ path: String, _ use: FileUse
    ) throws(CredentialError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try TrustedFile.read(path, as: use, limit: limit)
        } catch {
            throw CredentialError(error)
        }
        guard !bytes.isEmpty else {
            throw CredentialError(.empty, "\(path) is empty; it should hold PEM blocks")
        }
        return bytes
    }

    deinit {
        unsafe bytes.withUnsafeBytes {
            unsafe OPENSSL_cleanse(
                UnsafeMutableRawBufferPointer(mutating: $0).baseAddress, $0.count)
        }
    }

    /// Whether the file contains a text.
    func contains(_ text: String) -> Bool {
        // In place: a copy of a key would stay in memory.
        bytes.indices.contains { bytes[$0...].starts(with: text.utf8) }
    }

    /// Nil beyond the end of the file.
    func byte(at place: Int) -> UInt8? { bytes.indices.contains(place) ? bytes[place] : nil }

    var count: Int { bytes.count }

    /// Calls `body` with a memory BIO that reads the file from its start.
    func withBIO<R>(_ body: (OpaquePointer) throws(CredentialError) -> R) throws(CredentialError)
        -> R
    {
        ErrorQueue.assertEmpty()
        let result: Result<R, CredentialError> = unsafe bytes.withUnsafeBytes { bytes in
            let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count))!
            defer { unsafe BIO_free(bio) }
            do throws(CredentialError) {
                return unsafe .success(try body(bio))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Reads every block of one kind; `next` returns nil if there are no more.
    ///
    /// - Parameters:
    ///   - kind: for sentences.
    ///   - label: how the label of such a block ends.
    /// - Throws: `notPEM` if there is none, `malformed` if one can't be read or would be skipped.
    func blocks<T>(_ kind: PEMContent, label: String, _ next: (OpaquePointer) -> T?)
        throws(CredentialError) -> [T]
    {
        unsafe try withBIO { (bio) throws(CredentialError) in
            let beginnings = unsafe PEMBeginnings(bio, label: label)
            var blocks: [T] = []
            while let block = unsafe next(bio) { blocks.append(block) }
            let reasons = ErrorQueue.drain()
            let last = reasons.last
            if blocks.isEmpty, let error = foreignForm(for: kind) { throw error }
            guard last?.library == ERR_LIB_PEM, last?.reason == PEM_R_NO_START_LINE else {
                throw CredentialError(
                    .malformed,
                    "\(path) has a \(kind.rawValue) that cannot be read (\(last?.text ?? "unknown error")); copy it again from its source",
                    cause: .openSSL(reasons.map(\.text)))
            }
            guard blocks.count == beginnings.count else {
                throw CredentialError(
                    .malformed,
                    "\(path) has \(beginnings.count) -----BEGIN \(label)-----, but only \(blocks.count) of them can be read: "
                        + (beginnings.mistake ?? "check the lines in between")
                )
            }
            guard !blocks.isEmpty else {
                throw CredentialError(
                    .notPEM,
                    "\(path) has no \(kind.rawValue) in PEM format; use a file with -----BEGIN lines"
                )
            }
            return blocks
        }
    }

    /// Far more than a system's whole trust store; a CRL of a large CA fits as well.
    private static let limit = 64 << 20
}
