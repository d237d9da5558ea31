// Descriptors that are held back for files, so that nothing else can take the last ones.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A few descriptors on /dev/null. Without them whoever can connect, with a certificate or without,
/// could hold all descriptors and so keep a revocation from being read. A process has one limit, and so
/// one reserve (`shared`). From any thread.
public final class DescriptorReserve: Sendable {
    /// The process's. It holds nothing until `hold` was called.
    public static let shared = DescriptorReserve()

    private struct State {
        /// How many are to be held.
        var count = 0
        var held: [Int32] = []
        /// Whoever opens files has them.
        var isLent = false
        /// What others are about to open.
        var promised = 0
        /// When too little was left.
        private var wasTight: Moment?

        /// Whether enough is left for files where so many are opened. To find out takes them for a moment,
        /// from whoever opens files as well; so what was too little is that for a while.
        mutating func leaves(_ count: Int) -> Bool {
            guard isLent else { return true }
            let now = Moment.now
            if let wasTight, now - wasTight < .milliseconds(200) { return false }
            if areFree(count + promised + self.count - held.count) { return true }
            wasTight = now
            return false
        }
    }

    /// Whether whoever opens files has them.
    var isLent: Bool { state.withLock { $0.isLent } }

    private let state = Mutex(State())

    init() {}

    /// Holds descriptors back, as far as there are any.
    ///
    /// - Parameter loops: how many may be about to accept a connection when they are lent.
    public func hold(loops: Int) {
        // The way to a file needs three at once: folder, link, and where the link begins anew. There may
        // be two such ways: the audit trail is opened again while other files are still being read.
        state.withLock { $0.count = 2 * 3 + loops }
        fill()
        // Where the process may have no more, it does with what there was.
        state.withLock { $0.count = $0.held.count }
    }

    /// Takes what is missing, as far as it is free; nothing while they are lent.
    ///
    /// - Returns: whether all are held.
    @discardableResult
    public func fill() -> Bool {
        state.withLock { state in
            guard !state.isLent else { return false }
            while state.held.count < state.count, let number = another() {
                state.held.append(number)
            }
            return state.held.count == state.count
        }
    }

    /// Lets all go, for whoever is to open files right after. Waits for those who are just opening
    /// something else, which takes a fraction of a millisecond.
    public func lend() {
        while !lendIfNobodyTakes() { sched_yield() }
    }

    /// No more files are to be opened: takes back what was lent, as far as it is free.
    ///
    /// - Returns: whether all are held.
    @discardableResult
    public func takeBack() -> Bool {
        state.withLock { $0.isLent = false }
        return fill()
    }

    private func lendIfNobodyTakes() -> Bool {
        state.withLock { state in
            // From here on who begins to take leaves enough for files.
            state.isLent = true
            guard state.promised == 0 else { return false }
            for number in state.held { close(number) }
            state.held = []
            return true
        }
    }

    /// Asks whether something else than files may be opened: not where it would leave too little for
    /// the files that are being read. `endTaking` must follow where it may.
    ///
    /// - Parameter count: how many descriptors at once.
    public func beginTaking(_ count: Int) -> Bool {
        state.withLock { state in
            guard state.leaves(count) else { return false }
            state.promised += count
            return true
        }
    }

    /// What `beginTaking` would say now.
    public func leaves(_ count: Int) -> Bool { state.withLock { $0.leaves(count) } }

    /// What was to be opened is open, or could not be opened.
    public func endTaking(_ count: Int) {
        state.withLock { $0.promised -= count }
    }
}

private func areFree(_ count: Int) -> Bool {
    var opened: [Int32] = []
    while opened.count < count, let number = another() { opened.append(number) }
    for number in opened { close(number) }
    return opened.count == count
}

private func another() -> Int32? {
    let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    return number < 0 ? nil : number
}
