// The thread that writes the trail.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Writes records in order, several whole lines at once, and waits for the pipe or the disk so that nothing else has to. A
/// line that was written in part is completed before anything else is written to that file. Confined to its thread.
final class AuditWriter {
    private let queue: AuditQueue
    private let pen: AuditPen
    /// Waits for the disk; nil if that was not requested.
    private let sync: ((OpenedTrail) -> Errno?)?
    private var floor: DiskFloor
    private let tell: (AuditNews) -> Void
    /// What must be written before anything else: ends that could not be, and any record that was written in part.
    private var owed: [AuditEntry] = []
    /// The rest of the first of them, if part of it is written.
    private var rest: [UInt8] = []
    /// How many lost records that line reports.
    private var restTells = 0
    /// How many ends among them were reported to the log.
    private var kept = 0
    /// When to try them again even if nothing else has to be written.
    private var nextTry = Moment.never
    /// Records that were lost since the last one that was written.
    private var lost = 0
    /// Written, but waiting for the disk.
    private var unsynced: [AuditEntry] = []
    /// The disk has failed to confirm them, and that was reported to the log.
    private var isInDoubt = false

    init(
        _ queue: AuditQueue, sync: ((OpenedTrail) -> Errno?)?, _ floor: DiskFloor,
        tell: @escaping (AuditNews) -> Void
    ) {
        self.queue = queue
        pen = AuditPen(queue, queue.takeFirst(), tell: tell)
        self.sync = sync
        self.floor = floor
        self.tell = tell
    }

    /// Returns when the queue is closed and nothing more can be written.
    func run() {
        lookAtDisk()
        while let items = queue.take(until: min(nextTry, floor.due)) {
            lookAtDisk()
            lost += queue.takeLost()
            var entries: [AuditEntry] = []
            for item in items {
                switch item {
                case .record(let entry): entries.append(entry)
                case .reopening(let next):
                    write(entries)
                    entries = []
                    goOn(in: next)
                }
            }
            write(entries)
        }
        // A disk may have room again before anyone stops waiting.
        while payOwed() != nil, let end = queue.end, nextTry < end {
            queue.bell.wait(until: nextTry)
        }
        // Whoever else writes there may have a last word as well.
        pen.trail.turn?.giveUp(as: .trail)
        queue.noteOver(lost: lost)
    }

    private func lookAtDisk() {
        guard let free = floor.look(at: pen.trail, Moment.now) else { return }
        queue.note(isShort: floor.isShort)
        tell(floor.isShort ? .isShort(of: floor.floor, free: free) : .hasRoom)
    }

    // MARK: Lines

    /// Lines that are written at once.
    private struct Group {
        var bytes: [UInt8] = []
        /// Where each line ends.
        var entries: [(entry: AuditEntry, end: Int)] = []
        /// The first line reports this many that were lost.
        var lost = 0
    }

    private func write(_ entries: [AuditEntry]) {
        var reason = payOwed()
        var index = 0
        while index < entries.count {
            if let reason {
                give(up: entries[index], reason)
                index += 1
                continue
            }
            lookAtDisk()
            let group = gather(entries, from: &index)
            guard !group.entries.isEmpty else { continue }
            let (count, failure) = pen.put(group.bytes)
            floor.note(written: count)
            let left = settle(group, written: count, failure)
            index -= left
            // Nothing may be written before what is owed.
            if !owed.isEmpty { reason = failure }
        }
        finishSync()
    }

    /// As many lines as are written at once; at least one if there is one.
    private func gather(_ entries: [AuditEntry], from index: inout Int) -> Group {
        var group = Group()
        while index < entries.count {
            var entry = entries[index]
            let isFirst = group.entries.isEmpty
            if isToBeDropped(entry) {
                // All records of a group are adjacent.
                guard isFirst else { break }
                drop(entry)
                index += 1
                continue
            }
            if isFirst, lost > 0 {
                group.lost = lost
                entry.line.add("lost_before", lost)
            }
            guard isFirst || group.bytes.count + entry.line.count <= pen.trail.maxAtOnce else {
                break
            }
            entry.line.write(to: &group.bytes)
            group.entries.append((entries[index], group.bytes.count))
            index += 1
        }
        return group
    }

    /// Settles what is written of a group, and the first record that isn't.
    ///
    /// - Returns: how many records after that one are not settled.
    private func settle(_ group: Group, written count: Int, _ failure: AuditError?) -> Int {
        var start = 0
        for (index, (entry, end)) in group.entries.enumerated() {
            // Part of it is enough: it will be completed.
            if index == 0, count > 0 { lost -= group.lost }
            if end <= count {
                finish(entry)
            } else if let failure {
                if start < count {
                    restTells = index == 0 ? group.lost : 0
                    begin(entry, rest: Array(group.bytes[count..<end]), failure)
                } else {
                    give(up: entry, failure)
                }
                return group.entries.count - index - 1
            }
            start = end
        }
        return 0
    }

    // MARK: What happens to records

    private func isToBeDropped(_ entry: AuditEntry) -> Bool {
        // It was taken before the disk was found to be short.
        if floor.isShort, case .frequent = entry.kind { return true }
        return entry.isNeedless
    }

    private func drop(_ entry: AuditEntry) {
        if case .frequent = entry.kind { lost += 1 + entry.omitted }
        settle(entry)
    }

    private func settle(_ entry: AuditEntry, _ fate: StartFate = .recorded) {
        queue.settle(entry)
        guard case .start(let start, let settled) = entry.kind else { return }
        guard start.fate == nil, start.settle(fate) else { return }
        settled(fate)
    }

    /// Its line is written.
    private func finish(_ entry: AuditEntry) {
        if sync != nil, entry.isDurable { unsynced.append(entry) } else { settle(entry) }
    }

    /// Makes sure that everything written reaches the disk: many records wait for that at once.
    private func finishSync() {
        guard !unsynced.isEmpty else { return }
        let failure = sync?(pen.trail).map { AuditError(writing: $0) }
        if let failure, !isInDoubt { tell(.doubts(failure)) }
        isInDoubt = failure != nil
        for entry in unsynced { settle(entry, failure == nil ? .recorded : .begun) }
        unsynced = []
    }

    /// Part of its line is written.
    private func begin(_ entry: AuditEntry, rest: [UInt8], _ reason: AuditError) {
        self.rest = rest
        owe(entry, reason)
        // Its program doesn't wait for that, and its end follows.
        if case .start(let start, let settled) = entry.kind, start.fate == nil,
            start.settle(.begun)
        {
            settled(.begun)
        }
    }

    /// None of it is written.
    private func give(up entry: AuditEntry, _ reason: AuditError) {
        if entry.isNeedless { return settle(entry) }
        if case .end = entry.kind { return owe(entry, reason) }
        lose(1 + entry.omitted, reason)
        settle(entry, .failed)
    }

    private func lose(_ count: Int, _ reason: AuditError) {
        if lost == 0 { tell(.loses(reason)) }
        lost += count
    }

    private func owe(_ entry: AuditEntry, _ reason: AuditError) {
        if owed.isEmpty {
            tell(.keeps(reason))
            kept = 0
        }
        owed.append(entry)
        kept += 1
        nextTry = Moment.now + Self.pause
    }

    // MARK: What is owed

    /// Writes what must come before everything else.
    ///
    /// - Returns: why that is impossible.
    private func payOwed() -> AuditError? {
        guard !owed.isEmpty else { return nil }
        if !rest.isEmpty {
            let (count, failure) = pen.put(rest)
            rest.removeFirst(count)
            if let failure { return postpone(failure) }
            finish(owed.removeFirst())
        }
        var index = 0
        var failure: AuditError?
        let entries = owed
        owed = []
        while index < entries.count, failure == nil {
            let group = gather(entries, from: &index)
            guard !group.entries.isEmpty else { break }
            let (count, why) = pen.put(group.bytes)
            failure = why
            index -= repay(group, written: count)
        }
        owed += entries[index...]
        finishSync()
        if let failure { return postpone(failure) }
        nextTry = .never
        tell(.hasWritten(kept: kept))
        return nil
    }

    /// - Returns: how many of the group are still owed.
    private func repay(_ group: Group, written count: Int) -> Int {
        var start = 0
        for (index, (entry, end)) in group.entries.enumerated() {
            if index == 0, count > 0 { lost -= group.lost }
            if end > count {
                if start < count {
                    rest = Array(group.bytes[count..<end])
                    restTells = index == 0 ? group.lost : 0
                }
                return group.entries.count - index
            }
            finish(entry)
            start = end
        }
        return 0
    }

    private func postpone(_ reason: AuditError) -> AuditError {
        nextTry = Moment.now + Self.pause
        return reason
    }

    /// What was decided before is written where it was decided, as far as possible.
    private func goOn(in next: OpenedTrail) {
        if payOwed() != nil, !next.leads(to: pen.trail) {
            // The line that was begun is repeated in full in the new file.
            if !rest.isEmpty { lost += restTells }
            rest = []
        }
        pen.trail = next
        floor.forget()
        queue.note(isShort: false)
        lookAtDisk()
        _ = payOwed()
    }

    /// Between two attempts to write what is owed.
    private static let pause = Duration.seconds(1)
}
