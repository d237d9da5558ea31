// Descriptors that are held back for files, so that nothing else can take the last ones.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A few descriptors open on /dev/null. Without them anybody who can connect, with a certificate or
/// without, could hold all descriptors and so keep a revocation from being read. A process has one
/// limit, and so one reserve (`shared`). Safe on any thread.
public final class DescriptorReserve: Sendable {
    /// The process's reserve. It holds nothing until `hold` is called.
    public static let shared = DescriptorReserve()

    private struct State {
        /// How many to hold.
        var count = 0
        var held: [Int32] = []
        /// They are lent for opening files.
        var isLent = false
        /// How many others are about to open.
        var promised = 0
        /// When too few were left.
        private var wasTight: Moment?

        /// Whether enough are left for files if this many are opened. Finding out takes them for a moment,
        /// from whoever opens files as well, so a shortage is remembered for a while.
        mutating func leaves(_ count: Int) -> Bool {
            guard isLent else { return true }
            let now = Moment.now
            if let wasTight, now - wasTight < .milliseconds(200) { return false }
            if areFree(count + promised + self.count - held.count) { return true }
            wasTight = now
            return false
        }
    }

    /// Whether they are lent for opening files.
    var isLent: Bool { state.withLock { $0.isLent } }

    private let state = Mutex(State())

    init() {}

    /// Holds descriptors back, as far as there are any.
    ///
    /// - Parameter loops: how many may be about to accept a connection when the reserve is lent.
    public func hold(loops: Int) {
        // Walking to a file needs three at once: the folder, a link, and the place where the link starts
        // over. There may be two such walks: the audit trail is reopened while other files are still
        // being read.
        state.withLock { $0.count = 2 * 3 + loops }
        fill()
        // If the process may have no more, it makes do with what there was.
        state.withLock { $0.count = $0.held.count }
    }

    /// Takes what is missing, as far as it is free; nothing while the reserve is lent.
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

    /// Releases all of them, for opening files immediately afterwards. Waits for those who are just
    /// opening something else, which takes a fraction of a millisecond.
    public func lend() {
        while !lendIfNobodyTakes() { sched_yield() }
    }

    /// No more files will be opened: takes back what was lent, as far as it is free.
    ///
    /// - Returns: whether all are held.
    @discardableResult
    public func takeBack() -> Bool {
        state.withLock { $0.isLent = false }
        return fill()
    }

    private func lendIfNobodyTakes() -> Bool {
        state.withLock { state in
            // From here on, anything that begins to take descriptors leaves enough for files.
            state.isLent = true
            guard state.promised == 0 else { return false }
            for number in state.held { close(number) }
            state.held = []
            return true
        }
    }

    /// Asks whether something other than files may be opened: not if that would leave too few for
    /// the files that are being read. If it may, `endTaking` must follow.
    ///
    /// - Parameter count: how many descriptors at once.
    public func beginTaking(_ count: Int) -> Bool {
        state.withLock { state in
            guard state.leaves(count) else { return false }
            state.promised += count
            return true
        }
    }

    /// What `beginTaking` would answer now.
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
