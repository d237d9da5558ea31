// Hands libFuzzer's inputs to one of the fuzzers.
// SPDX-License-Identifier: Apache-2.0
import Glibc

/// libFuzzer has the process; PARLEY_FUZZER names the fuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do throws(Finding) {
        try chosen.body(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
        fatalError("not kept: \(error)")
    }
    return 0
}

private let chosen: Fuzzer = {
    let name = unsafe getenv("PARLEY_FUZZER").map { unsafe String(cString: $0) } ?? ""
    guard let fuzzer = Fuzzer.all.first(where: { $0.name == name }) else {
        print(
            "fuzzers: PARLEY_FUZZER must be one of \(Fuzzer.all.map(\.name).joined(separator: " "))"
        )
        exit(64)
    }
    return fuzzer
}()
