#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills both pipes at once: as many bytes on each as the argument says, in blocking writes."""

import os
import sys
import threading

COUNT = int(sys.argv[1])


def fill(descriptor):
    left = bytes(range(256)) * (COUNT // 256)
    while left:
        left = left[os.write(descriptor, left):]


threads = [threading.Thread(target=fill, args=(descriptor,)) for descriptor in (1, 2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
