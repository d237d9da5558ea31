// How long the random tests try.
// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How many random cases a test tries.
var fuzzRounds: Int {
    unsafe getenv("PARLEY_FUZZ_ROUNDS").flatMap { unsafe Int(String(cString: $0)) } ?? 100_000
}
