# SPDX-License-Identifier: Apache-2.0
"""What a run has from its caller and what it starts must not have: a umask, signals ignored or blocked."""

import os
import signal

IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}
"""subprocess gives their default action back to children."""

FROM_TERMINALS = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
"""A handler would make a background process's use of its terminal fail, which ignoring them allows."""


def shed():
    """Give what is started from here on the files' modes and the signals of a fresh login.

    A signal that this process was told to ignore (`nohup`, a shell's `&`) still does nothing to it,
    but by a handler, and a handled signal has its default action in a child.
    """
    # Files that others could write decide nothing, so that with 002 the programs refuse their own.
    os.umask(0o022)
    for number in signal.valid_signals() - IGNORED_BY_PYTHON - FROM_TERMINALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
