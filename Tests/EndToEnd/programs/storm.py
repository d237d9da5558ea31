#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As many lines of daemons as the first argument says: each starts the next in a session of its own
and ends. A line ends by itself after as many as the second one says, should nobody else end it."""

import os
import signal
import sys

LINES, GENERATIONS = int(sys.argv[1]), int(sys.argv[2])

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
for _ in range(LINES):
    if os.fork() == 0:
        for _ in range(GENERATIONS):
            if os.fork():
                os._exit(0)
            os.setsid()
        os._exit(0)
os.write(1, b"up\n")
signal.pause()
