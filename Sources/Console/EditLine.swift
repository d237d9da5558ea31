// The part of libedit that a line editor needs, loaded on demand.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// One editor of libedit (editline(3)) and its history. It is loaded by `dlopen`, so that the programs run without it.
/// Never freed: a process has one, to its end. libedit may be called by one thread at a time: the loop's, and while a
/// line is edited the thread that edits it, which the compiler can't check.
@safe
struct EditLine: @unchecked Sendable {
    typealias Prompt =
        @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutablePointer<CChar>?
    /// Stores a scalar and returns 1, or 0 for the end of input; -1 for an error.
    typealias Reader =
        @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt32>?) -> Int32

    /// A key's command: gets the editor and the key, and returns what is to be done about the line.
    typealias Command = @convention(c) (UnsafeMutableRawPointer?, Int32) -> UInt8

    /// What is to be done after a key's command.
    enum Effect: UInt8 {
        /// Draw what has changed.
        case refresh = 4
        /// Nothing but to ring the bell.
        case error = 6
        /// Draw the prompt and the line again, after something else was printed.
        case redisplay = 8
    }

    private typealias Initialize =
        @convention(c) (
            UnsafePointer<CChar>, UnsafeMutableRawPointer, UnsafeMutableRawPointer,
            UnsafeMutableRawPointer
        ) -> UnsafeMutableRawPointer?
    private typealias Gets =
        @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<Int32>)
        -> UnsafePointer<CChar>?
    private typealias Resize = @convention(c) (UnsafeMutableRawPointer) -> Void
    private typealias Line = @convention(c) (UnsafeMutableRawPointer) -> UnsafeRawPointer?
    private typealias Insert =
        @convention(c) (UnsafeMutableRawPointer, UnsafePointer<CChar>) -> Int32
    private typealias NewHistory = @convention(c) () -> UnsafeMutableRawPointer?

    private let editor: UnsafeMutableRawPointer
    private let list: UnsafeMutableRawPointer
    private let set: UnsafeMutableRawPointer
    private let gets: Gets
    private let resize: Resize
    private let history: UnsafeMutableRawPointer
    private let lineInfo: Line
    private let insertText: Insert

    /// An editor on standard input and output, which are terminals. Nil if there is no libedit, or it
    /// lacks a function.
    ///
    /// - Parameter tab: the Tab key's command.
    init?(prompt: Prompt, reader: Reader, tab: Command, historySize: Int32) {
        guard let library = unsafe dlopen("libedit.so.2", RTLD_NOW),
            let initialize = unsafe dlsym(library, "el_init"),
            let set = unsafe dlsym(library, "el_set"),
            let gets = unsafe dlsym(library, "el_gets"),
            let resize = unsafe dlsym(library, "el_resize"),
            let newHistory = unsafe dlsym(library, "history_init"),
            let history = unsafe dlsym(library, "history"),
            let lineInfo = unsafe dlsym(library, "el_line"),
            let insertText = unsafe dlsym(library, "el_insertstr"),
            let input = unsafe fdopen(dup(0), "r"), let output = unsafe fdopen(dup(1), "w"),
            // It would complain about terminals that terminfo doesn't know.
            let complaints = unsafe fopen("/dev/null", "w"),
            let list = unsafe unsafeBitCast(newHistory, to: NewHistory.self)(),
            let editor = unsafe unsafeBitCast(initialize, to: Initialize.self)(
                "parley", input, output, complaints)
        else { return nil }
        unsafe self.editor = editor
        unsafe self.list = list
        unsafe self.history = history
        unsafe self.set = set
        unsafe self.lineInfo = unsafeBitCast(lineInfo, to: Line.self)
        unsafe self.insertText = unsafeBitCast(insertText, to: Insert.self)
        unsafe self.gets = unsafeBitCast(gets, to: Gets.self)
        unsafe self.resize = unsafeBitCast(resize, to: Resize.self)
        unsafe parley_history_number(history, list, Self.historySetSize, historySize)
        unsafe parley_history_number(history, list, Self.historySetUnique, 1)
        unsafe parley_el_set(set, editor, Self.editorKind, "emacs")
        unsafe parley_el_set_prompt(
            set, editor, Self.prompt, unsafeBitCast(prompt, to: UnsafeRawPointer.self),
            Int32(Self.mark.value))
        unsafe parley_el_set(
            set, editor, Self.reader, unsafeBitCast(reader, to: UnsafeRawPointer.self))
        unsafe parley_el_set_history(set, editor, Self.useHistory, history, list)
        unsafe parley_el_set_words(set, editor, Self.bind, "^R", "em-inc-search-prev")
        unsafe parley_el_add_function(
            set, editor, Self.addFunction, "parley-complete", "Complete the command",
            unsafeBitCast(tab, to: UnsafeRawPointer.self))
        unsafe parley_el_set_words(set, editor, Self.bind, "^I", "parley-complete")
        // We read the keys for signals ourselves: a signal could end us with the terminal in raw
        // mode.
        unsafe parley_el_set_words(set, editor, Self.terminalModes, "-d", "-isig")
        // A program may read what is typed before the terminal is restored: lines must end as they do
        // then.
        unsafe parley_el_set_words(set, editor, Self.terminalModes, "-d", "-inlcr")
    }

    /// Edits a line, which is returned with its line feed; nil if it ended in another way. Afterwards the terminal
    /// is as it was before.
    func line() -> [UInt8]? {
        unsafe resize(editor)
        // Before the prompt invites a key that the terminal itself would handle.
        unsafe parley_el_set_number(set, editor, Self.prepareTerminal, 1)
        var count: Int32 = 0
        guard let text = unsafe gets(editor, &count), count > 0 else { return nil }
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    /// The line that is being edited, up to the cursor; for a key's command.
    var typed: [UInt8] {
        // LineInfo of histedit.h: the line's beginning, the cursor and the line's end.
        guard let info = unsafe lineInfo(editor) else { return [] }
        let (start, cursor) = unsafe info.loadUnaligned(
            as: (UnsafeRawPointer, UnsafeRawPointer).self)
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: cursor - start))
    }

    /// Inserts a text at the cursor; for a key's command.
    func insert(_ text: String) { unsafe _ = insertText(editor, text) }

    /// Encloses what a prompt has that the cursor doesn't move for.
    static let mark: Unicode.Scalar = "\u{1}"

    /// Adds a line to the history.
    func remember(_ line: String) {
        unsafe _ = parley_history_text(history, list, Self.historyEnter, line)
    }

    // histedit.h
    private static let prompt: Int32 = 21
    private static let editorKind: Int32 = 2
    private static let bind: Int32 = 4
    private static let terminalModes: Int32 = 8
    private static let addFunction: Int32 = 9
    private static let useHistory: Int32 = 10
    private static let reader: Int32 = 13
    private static let prepareTerminal: Int32 = 16
    private static let historySetSize: Int32 = 1
    private static let historyEnter: Int32 = 10
    private static let historySetUnique: Int32 = 20
}
