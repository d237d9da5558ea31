// What an interactive session understands itself, before the server is asked.
// SPDX-License-Identifier: Apache-2.0

/// A typed line's meaning. Local words win over commands of the same name, so that users can leave
/// whatever the server's table contains; `--` before a line sends it to the server as it is.
enum LocalWord: Equatable {
    /// `exit` or `quit`.
    case leave
    /// Anything else is for the server.
    case command([String])

    init(_ words: [String]) {
        switch words {
        case ["exit"], ["quit"]: self = .leave
        case let sent where sent.count > 1 && sent[0] == "--": self = .command(Array(sent[1...]))
        default: self = .command(words)
        }
    }

    /// Printed after the server's help.
    static let help = "(help NAME shows a command's arguments; exit, quit or Ctrl-D leaves)"
}

/// What `parley run --help` says in addition to the options.
let runHelp = """

    Without a command, run starts an interactive session. Lines can be edited where
    libedit is installed; they are kept in ~/.local/state/parley/history, except
    those that begin with a blank or have a secret argument.
      help, help NAME       list what you may run; show a command's arguments
      Tab                   complete the name of a command
      exit, quit, Ctrl-D    leave
      Ctrl-C                clear the line, or end the running command
      -- COMMAND...         run a server command that has one of these names
    Here and with --batch, a line consists of words separated by blanks. 'x' is
    taken literally, "x" too except for \\" and \\\\, \\x is x, and $'x' takes \\n, \\t,
    \\xHH and \\uHHHH as in bash. Lines that begin with # are comments. Nothing is
    expanded.

    """
