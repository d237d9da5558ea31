// A moment in a certificate or a CRL.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// A moment, printed as `2026-11-21 03:02:00 UTC`.
public struct CertificateTime: Sendable, CustomStringConvertible {
    /// Since 1970.
    let seconds: Int

    init(seconds: Int) { self.seconds = seconds }

    /// Nil if there is none, or it can't be read.
    init?(_ time: UnsafePointer<ASN1_TIME>?) {
        var parts = unsafe tm()
        guard let time = unsafe time, unsafe ASN1_TIME_to_tm(time, &parts) == 1 else {
            _ = ErrorQueue.drain()
            return nil
        }
        seconds = unsafe timegm(&parts)
    }

    static var now: Int { time(nil) }

    /// - Parameter seconds: since 1970.
    public static func words(_ seconds: Int) -> String {
        CertificateTime(seconds: seconds).description
    }

    public var description: String {
        var moment = seconds
        var parts = unsafe tm()
        unsafe gmtime_r(&moment, &parts)
        var line = [CChar](repeating: 0, count: 64)
        unsafe strftime(&line, line.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
        return String(
            decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
