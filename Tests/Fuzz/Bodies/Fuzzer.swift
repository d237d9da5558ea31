// The fuzzers by their names.
// SPDX-License-Identifier: Apache-2.0

/// A parser of bytes from outside, with what it promises for any of them.
struct Fuzzer: Sendable {
    let name: String
    /// Hands it one input.
    let body: @Sendable ([UInt8]) throws(Finding) -> Void

    static let all = [
        Fuzzer(name: "client-frames", body: fuzzClientFrames),
        Fuzzer(name: "server-frames", body: fuzzServerFrames),
        Fuzzer(name: "packets", body: fuzzPackets),
        Fuzzer(name: "fields", body: fuzzFields),
        Fuzzer(name: "posts", body: fuzzPosts),
        Fuzzer(name: "calls", body: fuzzCalls),
        Fuzzer(name: "table", body: fuzzTable),
        Fuzzer(name: "pattern", body: fuzzPattern),
        Fuzzer(name: "identity", body: fuzzIdentity),
        Fuzzer(name: "endpoint", body: fuzzEndpoint),
        Fuzzer(name: "proxy", body: fuzzProxyHeader),
        Fuzzer(name: "hello", body: fuzzHello),
        Fuzzer(name: "range", body: fuzzAddressRange),
        Fuzzer(name: "pin", body: fuzzPin),
        Fuzzer(name: "certificate", body: fuzzCertificate),
        Fuzzer(name: "names", body: fuzzNames),
        Fuzzer(name: "pem", body: fuzzPEM),
        Fuzzer(name: "handshake", body: fuzzHandshake),
        Fuzzer(name: "record", body: fuzzRecord),
        Fuzzer(name: "words", body: fuzzWords),
        Fuzzer(name: "printable", body: fuzzPrintable),
    ]
}
