// Random numbers that a failure can be repeated with.
// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How many random cases a test tries.
var fuzzRounds: Int {
    unsafe getenv("PARLEY_FUZZ_ROUNDS").flatMap { unsafe Int(String(cString: $0)) } ?? 100_000
}

/// SplitMix64: the same numbers each time.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
