// Reads a file of PEM blocks, whole and with limits.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Sockets

/// The contents of a PEM file, wiped from memory when it is gone.
struct PEMFile: ~Copyable {
    let path: String
    private var bytes: [UInt8]

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - isSecret: refuses it where others could read it, as ssh does.
    init(_ path: String, isSecret: Bool = false) throws(CredentialError) {
        bytes = try Self.contents(path, isSecret: isSecret)
        self.path = path
    }

    private static func contents(_ path: String, isSecret: Bool) throws(CredentialError) -> [UInt8]
    {
        // Non-blocking: opening a pipe that nobody writes must not hang.
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else {
            let reason = errno
            if reason == ENOENT {
                throw CredentialError(
                    .missing,
                    "\(path) does not exist; name its folder with --certs, or make it with scripts/generate-certs"
                )
            }
            throw CredentialError(
                .unreadable,
                "\(path) cannot be opened (\(systemMessage(reason))); let this user read it")
        }
        let descriptor = Descriptor(owning: number)
        var status = stat()
        guard unsafe fstat(descriptor.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG
        else {
            throw CredentialError(.unreadable, "\(path) is not a regular file; name a PEM file")
        }
        if isSecret {
            // A system key may belong to root and be lent to a group; a user's own may not.
            let forbidden: mode_t = status.st_uid == geteuid() ? 0o077 : 0o007
            guard status.st_mode & forbidden == 0 else {
                throw CredentialError(
                    .keyReadableByOthers,
                    "the private key \(path) can be read by others; run: chmod 600 \(path)")
            }
        }
        guard status.st_size > 0 else {
            throw CredentialError(.empty, "\(path) is empty; it should hold PEM blocks")
        }
        guard status.st_size <= Self.limit else {
            throw CredentialError(
                .unreadable,
                "\(path) is larger than \(Self.limit >> 20) MiB, so it is hardly a PEM file; name another"
            )
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe read(descriptor.number, $0.baseAddress! + filled, $0.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw CredentialError(
                    .unreadable, "\(path) cannot be read (\(systemMessage(errno)))")
            }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    deinit {
        unsafe bytes.withUnsafeBytes {
            unsafe OPENSSL_cleanse(
                UnsafeMutableRawBufferPointer(mutating: $0).baseAddress, $0.count)
        }
    }

    /// Whether a text stands in the file.
    func contains(_ text: String) -> Bool {
        // In place: a copy of a key would stay in memory.
        bytes.indices.contains { bytes[$0...].starts(with: text.utf8) }
    }

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

    /// Reads every block of one kind, with `next` returning nil where there is no further one.
    ///
    /// - Throws: `notPEM` where there is none, `malformed` where one can't be read.
    func blocks<T>(_ kind: String, _ next: (OpaquePointer) -> T?) throws(CredentialError) -> [T] {
        unsafe try withBIO { (bio) throws(CredentialError) in
            var blocks: [T] = []
            while let block = unsafe next(bio) { blocks.append(block) }
            let last = ErrorQueue.drain().last
            guard last?.library == ERR_LIB_PEM, last?.reason == PEM_R_NO_START_LINE else {
                throw CredentialError(
                    .malformed,
                    "\(path) has a \(kind) that cannot be read (\(last?.text ?? "unknown error")); make it anew"
                )
            }
            guard !blocks.isEmpty else {
                throw CredentialError(
                    .notPEM, "\(path) has no \(kind) in PEM form; name a file with -----BEGIN lines"
                )
            }
            return blocks
        }
    }

    /// Far more than a system's whole trust store; a CRL of a large CA fits as well.
    private static let limit = 64 << 20
}
