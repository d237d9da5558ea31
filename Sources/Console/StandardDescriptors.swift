// Sees to it that descriptors 0, 1 and 2 are what their names say.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Fills the places of standard descriptors that were closed by whoever started the process: the
/// next socket would take one, and console lines would go to a peer. Input ends at once then, and
/// output can't be written. Before anything is opened.
public func fillStandardDescriptors() {
    for number: Int32 in 0...2 where fcntl(number, F_GETFD) < 0 {
        // Takes the lowest free number, which is this one.
        _ = unsafe open("/dev/null", O_RDONLY)
    }
}
