#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A process that starts others like itself without end, and says once that there can be no more."""

import os
import signal
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
said = False
first = os.getpid()
while True:
    try:
        os.fork()
    except OSError:
        if os.getpid() == first and not said:
            os.write(1, b"full\n")
            said = True
        time.sleep(0.01)
