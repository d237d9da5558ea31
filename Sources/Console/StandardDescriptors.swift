// Makes sure that descriptors 0, 1 and 2 are the standard ones.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Replaces standard descriptors that the parent process had closed: otherwise the next socket
/// would take one, and console lines would go to a peer. Input then ends at once, and output can't
/// be written. To be called before anything is opened.
public func fillStandardDescriptors() {
    for number: Int32 in 0...2 where fcntl(number, F_GETFD) < 0 {
        // Takes the lowest free number, which is this one.
        _ = unsafe open("/dev/null", O_RDONLY)
    }
}
