// An open file with one owner.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A descriptor, closed when its one owner is gone; below zero where opening it failed.
struct OpenFile: ~Copyable {
    let number: Int32

    init(owning number: Int32) { self.number = number }

    consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    deinit { if number >= 0 { close(number) } }
}
