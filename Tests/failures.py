# SPDX-License-Identifier: Apache-2.0
"""Runs a command and prints its output, and repeats at the end the lines that say what failed.

usage: failures.py COMMAND ARGUMENT...
`swift test` says where a test fails, among the lines of thousands that pass. The exit status is the command's.
"""

import signal
import subprocess
import sys

SIGNS = ("✘", "error:", "Fatal error", "Sanitizer")
"""What the lines of Swift Testing, of the compiler, of a trap and of the sanitizers have in them."""
LIMIT = 200
"""Lines that are repeated, at most."""


def main(command):
    # Otherwise Python would print where it was interrupted.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    failures = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        for line in child.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            text = line.decode(errors="replace")
            if len(failures) < LIMIT and any(sign in text for sign in SIGNS):
                failures.append(line)
    if child.returncode and failures:
        print(f"what failed in {' '.join(command[:2])}:", flush=True)
        sys.stdout.buffer.writelines(failures)
        sys.stdout.buffer.flush()
    # As a shell tells of a signal.
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
