// An OpenSSL call during which a signature may be needed.
// SPDX-License-Identifier: Apache-2.0
internal import CProvider

/// Who is asked to sign meanwhile, and for which connection. OpenSSL passes neither on, so both
/// belong to the thread during the call; outside such calls, remote keys sign nothing.
@safe
final class SigningCall {
    private let signer: any RemoteSigner
    private let connection: TLSTransport?
    private var refusal: SigningRefusal?

    private init(_ signer: any RemoteSigner, _ connection: TLSTransport?) {
        self.signer = signer
        self.connection = connection
    }

    /// Makes a call during which `signer` is asked on this thread; a signer may itself make such
    /// calls.
    ///
    /// - Parameters:
    ///   - signer: nil if no key is remote.
    ///   - connection: the connection of the handshake.
    /// - Returns: the call's result, and why a signature was refused, if one was.
    static func make<R>(
        asking signer: (any RemoteSigner)?, for connection: TLSTransport?, _ body: () -> R
    ) -> (result: R, refusal: SigningRefusal?) {
        guard let signer else { return (body(), nil) }
        let call = SigningCall(signer, connection)
        var asked = unsafe parley_asked(
            sign: { call, number, scheme, content, length, signature, room in
                unsafe Unmanaged<SigningCall>.fromOpaque(call!).takeUnretainedValue().sign(
                    key: Int(number), scheme,
                    UnsafeBufferPointer(start: content, count: length),
                    into: UnsafeMutableBufferPointer(start: signature, count: room))
            }, self: Unmanaged.passUnretained(call).toOpaque())
        let result = unsafe withUnsafePointer(to: &asked) { asked in
            let before = unsafe parley_ask(asked)
            defer { unsafe parley_ask(before) }
            return body()
        }
        return (result, withExtendedLifetime(call) { call.refusal })
    }

    /// - Returns: the length of the signature; 0 if there is none.
    private func sign(
        key: Int, _ number: UInt16, _ content: UnsafeBufferPointer<UInt8>,
        into room: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        // The signer may let other handshakes go on, which expect it to be empty.
        _ = ErrorQueue.drain()
        do throws(SigningRefusal) {
            guard let scheme = SignatureScheme(rawValue: number) else {
                throw SigningRefusal("TLS has no signature scheme with the number \(number)")
            }
            let signature = try signer.signature(
                for: SigningRequest(
                    key: key, scheme: scheme, content: unsafe Array(content),
                    connection: connection))
            guard !signature.isEmpty, signature.count <= room.count else {
                throw SigningRefusal(
                    "it has \(signature.count) bytes, and the key's have 1 to \(room.count)")
            }
            _ = unsafe room.update(fromContentsOf: signature)
            return signature.count
        } catch {
            refusal = error
            return 0
        }
    }
}
