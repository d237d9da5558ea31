// Descriptors that are held back for files, so that connections can't take the last ones.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets

/// A few descriptors on /dev/null. Without them whoever can connect, with a certificate or without,
/// could hold all descriptors and so keep a revocation from being read. Confined to one loop.
struct DescriptorReserve {
    private let count: Int
    private var held: [Held] = []

    /// - Parameter loops: how many may be about to accept a connection when it is released.
    init(loops: Int) {
        // The way to a file needs three at once: folder, link, and where the link begins anew.
        count = 3 + loops
    }

    private final class Held {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    /// Takes what is missing, as far as there is any.
    mutating func fill() {
        while held.count < count {
            let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard number >= 0 else { return }
            held.append(Held(Descriptor(owning: number)))
        }
    }

    /// Lets all go, for whoever is to open files one by one right after.
    mutating func release() { held.removeAll() }

    var isFull: Bool { held.count == count }
}
