// Whether two descriptors lead to one place.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Whether what is written to either of two open descriptors ends up in the same file, pipe, socket
/// or terminal.
package func leadToSameFile(_ a: Int32, _ b: Int32) -> Bool {
    var (first, second) = (stat(), stat())
    return unsafe fstat(a, &first) == 0 && fstat(b, &second) == 0
        && first.st_dev == second.st_dev && first.st_ino == second.st_ino
}
