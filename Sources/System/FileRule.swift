// The rule that files, folders and links must satisfy, and the sentences about those that don't.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Checks what a walk encounters on its way to one file.
struct FileRule {
    /// As it was named.
    let path: String
    let use: FileUse
    /// The user that reads it, or that a program runs as.
    let reader: uid_t

    // MARK: Folders and links

    /// - Returns: whether others may put files there, which is allowed only in a sticky folder.
    func checkFolder(_ status: stat, _ folder: String) throws(FileError) -> Bool {
        try checkOwner(status, "its folder", folder)
        guard status.st_mode & writable != 0 else { return false }
        if status.st_mode & S_ISVTX != 0 { return true }
        throw FileError(
            .writableByOthers, path,
            "its folder \(folder) can be written by \(writers(status)) (\(facts(status))), who could replace what is in it; keep the file elsewhere, or run\(asRoot(status)): chmod \(revoked(status)) \(shellWord(folder))"
        )
    }

    func checkOwner(_ status: stat, _ what: String, _ place: String) throws(FileError) {
        guard !isOurs(status) else { return }
        let user = userName(status.st_uid)
        let dereference = what == "the link" ? "-h " : ""
        let command = "chown \(dereference)\(owner) \(shellWord(place))"
        // The folder may be somebody's home, which must not be taken from them lightly.
        let remedy =
            what == "its folder"
            ? "keep the file in a folder owned by \(ours)" : "run\(asRoot(status)): \(command)"
        throw FileError(
            .foreignOwner, path,
            "\(what) \(place) belongs to \(user) (\(permissions(status))), who could change it; \(remedy)"
        )
    }

    /// The file, or a link to it, is in a folder where anybody may put files.
    func openFolder(_ folder: String) -> FileError {
        FileError(
            .writableByOthers, path,
            "it is in \(folder), where others can put files too; keep it in a folder that only its owner can write to, such as one inside it"
        )
    }

    // MARK: The file

    /// - Parameters:
    ///   - place: its path, which differs from the one that was named if there were links.
    ///   - isHandedOver: it was opened by the process that started this one.
    func check(_ status: stat, at place: String, isHandedOver: Bool) throws(FileError) {
        let kind = status.st_mode & S_IFMT
        if kind != S_IFREG {
            // Whoever started us chose what is written into it, and where our output goes.
            if isHandedOver, kind == S_IFIFO || isRecord && kind != S_IFDIR { return }
            guard isRecord, kind == S_IFIFO || kind == S_IFCHR else {
                throw FileError(
                    .notRegular, path,
                    kind == S_IFDIR
                        ? "it is a folder; name a file"
                        : "it is not a regular file; name one that is")
            }
            // Devices may be writable by anybody; nobody can alter what was written there.
            if kind == S_IFCHR { return }
        }
        let file = place == path ? "it" : "\(place), which it leads to,"
        guard isOurs(status) else {
            throw FileError(
                .foreignOwner, path,
                "\(file) belongs to \(userName(status.st_uid)) (\(permissions(status))), who could change it; run\(asRoot(status)): chown \(owner) \(shellWord(place))"
            )
        }
        guard status.st_mode & writable == 0 else {
            throw FileError(
                .writableByOthers, path,
                "\(file) can be written by \(writers(status)) (\(facts(status))); run\(asRoot(status)): chmod \(revoked(status)) \(shellWord(place))"
            )
        }
        guard use == .secret || use == .secretRecord else { return }
        // A system's key belongs to root and may be lent to a group; a user's own may not.
        let forbidden: mode_t = status.st_uid == 0 && use == .secret ? 0o007 : 0o077
        guard status.st_mode & forbidden == 0 else {
            throw FileError(
                .readableByOthers, path,
                "\(file) can be read by others (\(facts(status))); run\(asRoot(status)): \(privacy(status, place))"
            )
        }
    }

    // MARK: What can't be opened

    func failure(toReach place: String, _ number: Int32) -> FileError {
        let reason = Errno(number)
        return switch number {
        case ENOENT:
            FileError(
                .missing, path,
                isWritten
                    ? "its folder \(place) does not exist; create it, or name another file"
                    : "there is no such file (\(place)); name one that exists",
                reason)
        case ELOOP:
            FileError(
                .unreadable, path, "its symbolic links form a loop; name the file itself", reason)
        case ENOTDIR:
            FileError(
                .unreadable, path, "\(place) is not a folder; name a file that exists", reason)
        case ENAMETOOLONG:
            FileError(
                .unreadable, path, "a name in \(place) is too long; name another file", reason)
        case EACCES:
            FileError(
                .unreadable, path,
                "\(place) cannot be reached by \(userName(reader)) (\(reason)); let this user search the folder above it, or name a file that this user can reach",
                reason)
        default: FileError(.unreadable, path, "\(place) cannot be examined (\(reason))", reason)
        }
    }

    /// - Parameter found: what is there; nil if that can't be seen.
    func failure(toOpen place: String, _ found: stat?, _ number: Int32) -> FileError {
        if number == ENOENT { return failure(toReach: place, number) }
        let reason = Errno(number)
        guard number == EACCES, let found, !isRecord, found.st_uid != reader else {
            let doing = isRecord ? "opened for appending" : "opened"
            let remedy = isRecord ? "name one that this user can write to" : "let this user read it"
            return FileError(
                .unreadable, path, "it cannot be \(doing) (\(reason)); \(remedy)", reason)
        }
        return FileError(
            .unreadable, path,
            "it cannot be opened by \(userName(reader)) (\(reason); \(facts(found))); run as root: \(lending(place))",
            reason)
    }

    /// Our own descriptor for one that was handed over.
    func duplicate(_ number: Int32) throws(FileError) -> Descriptor {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
        let useless = isRecord ? O_RDONLY : O_WRONLY
        guard copy >= 0, fcntl(copy, F_GETFL) & O_ACCMODE != useless else {
            if copy >= 0 { close(copy) }
            throw FileError(
                .unreadable, path,
                useless == O_WRONLY
                    ? "the descriptor \(number) is not open for reading; redirect a file to it"
                    : "the descriptor \(number) is not open for writing; redirect it to a file")
        }
        return Descriptor(owning: copy)
    }

    // MARK: Words

    private var isRecord: Bool { use == .record || use == .secretRecord }
    private var isWritten: Bool { isRecord || use == .replacement }

    private func isOurs(_ status: stat) -> Bool {
        status.st_uid == 0 || status.st_uid == reader
    }

    private var ours: String {
        reader == 0 ? "root" : "root or \(userName(reader))"
    }

    /// The owner that the suggested command sets. A program should not belong to the user that runs it
    /// unless that is us.
    private var owner: String {
        use == .program && reader != geteuid() ? account(0) : account(reader)
    }

    /// Who must run a command that fixes what isn't this user's.
    private func asRoot(_ status: stat) -> String {
        reader == 0 || status.st_uid == reader ? "" : " as root"
    }

    private func writers(_ status: stat) -> String {
        status.st_mode & S_IWOTH != 0
            ? "everybody" : "the group \(groupName(status.st_gid))"
    }

    private func revoked(_ status: stat) -> String {
        switch (status.st_mode & S_IWGRP != 0, status.st_mode & S_IWOTH != 0) {
        case (true, true): "go-w"
        case (true, false): "g-w"
        default: "o-w"
        }
    }

    /// The command that leaves a secret to those who are meant to read it.
    private func privacy(_ status: stat, _ place: String) -> String {
        status.st_uid == reader ? "chmod 600 \(shellWord(place))" : lending(place)
    }

    /// The command that lets this user read one of root's files, and nobody else outside its group.
    private func lending(_ place: String) -> String {
        "chgrp \(groupName(getegid())) \(shellWord(place)) && chmod 640 \(shellWord(place))"
    }

    private func facts(_ status: stat) -> String {
        "owner \(userName(status.st_uid)), \(permissions(status))"
    }

    private func permissions(_ status: stat) -> String {
        "mode " + String(status.st_mode & 0o7777, digits: 4, radix: 8)
    }

    private let writable = S_IWGRP | S_IWOTH
}
