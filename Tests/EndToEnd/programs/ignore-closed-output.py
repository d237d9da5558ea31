#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes on for ever, whether anybody takes it or not, and does not mind SIGTERM."""

import os
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
os.write(1, b"%d\n" % os.getpid())
while True:
    try:
        os.write(1, b"x" * 4096)
    except OSError:
        pass
