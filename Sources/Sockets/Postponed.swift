// What a loop puts off.
// SPDX-License-Identifier: Apache-2.0

/// Calls that wait until there is nothing else to do, but not for long.
struct Postponed {
    private var calls: [() -> Void] = []
    private var since = Moment.now

    var isEmpty: Bool { calls.isEmpty }

    mutating func add(at time: Moment, _ call: @escaping () -> Void) {
        if calls.isEmpty { since = time }
        calls.append(call)
    }

    /// Hands over the calls if they are due.
    mutating func take(at time: Moment, isIdle: Bool) -> [() -> Void] {
        guard !calls.isEmpty, isIdle || time - since > .milliseconds(4) else { return [] }
        defer { calls = [] }
        return calls
    }
}
