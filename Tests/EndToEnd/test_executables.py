# SPDX-License-Identifier: Apache-2.0
"""What the two programs are made of."""

import pathlib

from support import PARLEY, PARLEYD, TestCase


class Executables(TestCase):

    def test_neither_links_what_it_can_do_without(self):
        for program in (PARLEY, PARLEYD):
            code = pathlib.Path(program).read_bytes()
            # More than half of each, and its reader of JSON5 can end the process.
            self.assertNotIn(b"FoundationEssentials", code, program)
            # A megabyte of regular expressions, for one call such as trimmingPrefix.
            self.assertNotIn(b"17_StringProcessing", code, program)
