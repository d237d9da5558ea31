# SPDX-License-Identifier: Apache-2.0
"""On what a test may depend, and what it says where that is not to be had."""

import ctypes
import os
import shutil
import socket
import subprocess
import unittest

from ground import IS_SANITIZED, LIMIT

measures_memory = unittest.skipIf(
    IS_SANITIZED, "AddressSanitizer keeps what is freed, and sets limits of its own")
"""Marks a test that looks at how much memory a program holds, or at its limits."""
crashes = unittest.skipIf(IS_SANITIZED, "AddressSanitizer handles these signals itself")
lacks_proc = unittest.skipIf(IS_SANITIZED, "LeakSanitizer reads /proc")


def only_root(does):
    return unittest.skipIf(os.geteuid(), f"only root {does}")


def found(program):
    """Where a program is, even one that is not in an ordinary user's path; None where it is not installed."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")


def needs(program):
    return unittest.skipUnless(found(program), f"{program} is not installed")


def works(*words):
    """Whether a command can be run here."""
    try:
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT,
                              check=False).returncode == 0
    except OSError:
        return False


def without(path):
    """For a file of the system's that would be taken."""
    return unittest.skipIf(os.path.exists(path), "this machine has a set of its own")


def _has_ipv6():
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


with_ipv6 = unittest.skipUnless(_has_ipv6(), "no IPv6 here")


def _has_libedit():
    try:
        ctypes.CDLL("libedit.so.2")
    except OSError:
        return False
    return True


with_libedit = unittest.skipUnless(_has_libedit(), "libedit is not installed")
