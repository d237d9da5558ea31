# SPDX-License-Identifier: Apache-2.0
"""A program that means ill: it tries everything on the processes and files that it is told of.

Prints a line for each attempt that came off. The words are numbers of processes, and paths. This text is an argument
in a table, so that nothing in it may look like a placeholder.
"""

import ctypes
import os
import signal
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
ATTACH, SEIZE, PIDFD_OPEN, PIDFD_SIGNAL, PIDFD_GETFD = 16, 0x4206, 434, 424, 438


class Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def trace(how):
    return lambda pid: checked(LIBC.ptrace(how, pid, None, None))


def read_memory(pid):
    own = ctypes.create_string_buffer(8)
    mine, its = Span(ctypes.addressof(own), 8), Span(ctypes.addressof(own), 8)
    checked(LIBC.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(its), 1, 0))


def take_descriptor(pid):
    checked(LIBC.syscall(PIDFD_GETFD, checked(LIBC.syscall(PIDFD_OPEN, pid, 0)), 1, 0))


def signal_by_descriptor(pid):
    checked(LIBC.syscall(PIDFD_SIGNAL, checked(LIBC.syscall(PIDFD_OPEN, pid, 0)), 0, None, 0))


def read(name):
    def attempt(pid):
        with open("/proc/%d/%s" % (pid, name), "rb") as file:
            if not file.read(1):
                raise OSError("nothing there")
    return attempt


def write_memory(pid):
    os.close(os.open("/proc/%d/mem" % pid, os.O_RDWR))


ON_PROCESSES = {
    "signal": lambda pid: os.kill(pid, signal.SIGCONT),
    "signal by descriptor": signal_by_descriptor,
    "attach": trace(ATTACH),
    "seize": trace(SEIZE),
    "read memory": read_memory,
    "open memory": write_memory,
    "take a descriptor": take_descriptor,
    "environment": read("environ"),
    "map": read("maps"),
    "follow a descriptor": lambda pid: os.readlink("/proc/%d/fd/1" % pid),
    "open its output": lambda pid: os.close(os.open("/proc/%d/fd/1" % pid, os.O_WRONLY)),
    "working folder": lambda pid: os.readlink("/proc/%d/cwd" % pid),
}
ON_FILES = {
    "read": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "write": lambda path: os.close(os.open(path, os.O_WRONLY)),
    "append": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_APPEND)),
    "replace": lambda path: os.rename(path, path + ".old"),
    "remove": os.unlink,
    "change": lambda path: os.chmod(path, 0o777),
}


def attempt(attempts, target):
    for name, does in attempts.items():
        try:
            does(target)
        except OSError:
            continue
        print(name, target)


for word in sys.argv[1:]:
    if word.isdigit():
        attempt(ON_PROCESSES, int(word))
    else:
        attempt(ON_FILES, word)
print("tried")
