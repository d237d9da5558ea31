// A cgroup v2 control group, as a folder.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A folder in a cgroup v2 hierarchy (cgroups(7)), which may be gone.
package struct ControlGroup: Hashable, Sendable {
    /// An absolute path.
    package let path: String

    package init(_ path: String) { self.path = path }

    /// Its folder's name.
    package var name: Substring { path.split(separator: "/").last ?? "" }

    /// The parent group.
    package var parent: ControlGroup {
        ControlGroup(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }

    package func child(_ name: some StringProtocol) -> ControlGroup {
        ControlGroup("\(path)/\(name)")
    }

    /// The groups in it, sorted by name.
    package var children: [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            guard unsafe entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Whether it is the root of the hierarchy, which has fewer rules: processes may be in it alongside groups with
    /// controllers.
    package var isRoot: Bool { !has("cgroup.type") }

    package func has(_ file: String) -> Bool { unsafe access("\(path)/\(file)", F_OK) == 0 }

    /// Why this process can't create groups in it, or move processes to them; nil if it can.
    package var refusal: Errno? {
        for file in ["", "/cgroup.procs", "/cgroup.subtree_control"] {
            let result = unsafe faccessat(
                AT_FDCWD, path + file, W_OK | (file.isEmpty ? X_OK : 0), AT_EACCESS)
            guard result == 0 else { return .last }
        }
        return nil
    }

    /// Whether whoever manages it has delegated it.
    package var isDelegated: Bool { unsafe parley_is_delegated(path) != 0 }

    /// Who may move processes between the groups in it, or from them to others, besides root: the owners of its and its
    /// ancestors' `cgroup.procs`. Nil if others may, too, or that can't be known.
    package var movers: Set<UInt32>? {
        var movers: Set<UInt32> = []
        var group = self
        while group.has("cgroup.procs") {
            var status = stat()
            guard unsafe stat("\(group.path)/cgroup.procs", &status) == 0,
                status.st_mode & (S_IWGRP | S_IWOTH) == 0
            else { return nil }
            movers.insert(status.st_uid)
            group = group.parent
        }
        return movers.isEmpty ? nil : movers
    }

    /// A file that is reported as changed (`Events.changing`) when it becomes empty or ceases to be (`cgroup.events`); below
    /// zero if it can't be opened.
    package func events() -> Descriptor {
        Descriptor(owning: unsafe open("\(path)/cgroup.events", O_RDONLY | O_CLOEXEC))
    }

    /// The controllers that can be enabled for the groups in it, among those needed here.
    package var controllers: Set<Controller> { controllers(in: "cgroup.controllers") }

    /// The controllers that are enabled for them.
    package var enabled: Set<Controller> { controllers(in: "cgroup.subtree_control") }

    private func controllers(in file: String) -> Set<Controller> {
        let words = read(file)?.split(whereSeparator: \.isWhitespace) ?? []
        return Set(words.compactMap { Controller(rawValue: String($0)) })
    }

    /// The processes in it, excluding those in groups inside it. One from another PID namespace is
    /// 0.
    package var processes: [Int32] {
        read("cgroup.procs")?.split(separator: "\n").compactMap { Int32($0) } ?? []
    }

    package func read(_ file: String) -> String? {
        let descriptor = Descriptor(owning: unsafe open("\(path)/\(file)", O_RDONLY | O_CLOEXEC))
        guard descriptor.number >= 0 else { return nil }
        return String(decoding: descriptor.contents(), as: UTF8.self)
    }

    package func write(_ text: String, to file: String) throws(Errno) {
        let descriptor = Descriptor(owning: unsafe open("\(path)/\(file)", O_WRONLY | O_CLOEXEC))
        guard descriptor.number >= 0 else { throw .last }
        guard unsafe Glibc.write(descriptor.number, text, text.utf8.count) >= 0 else {
            throw .last
        }
    }

    package func make() throws(Errno) {
        guard unsafe mkdir(path, 0o755) == 0 else { throw .last }
    }

    /// - Throws: `EBUSY` if it is not empty.
    package func remove() throws(Errno) {
        guard unsafe rmdir(path) == 0 else { throw .last }
    }

    /// Sends SIGKILL to everything in it and in the groups inside it.
    package func kill() throws(Errno) { try write("1", to: "cgroup.kill") }

    /// Its folder, locked until the last copy of the descriptor is closed, so that nobody thinks it was left
    /// behind.
    ///
    /// - Throws: `EWOULDBLOCK` if somebody has it.
    package func hold() throws(Errno) -> Descriptor {
        let folder = Descriptor(
            owning: unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW))
        guard folder.number >= 0, flock(folder.number, LOCK_EX | LOCK_NB) == 0 else { throw .last }
        return folder
    }
}
