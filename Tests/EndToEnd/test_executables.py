# SPDX-License-Identifier: Apache-2.0
"""What the two programs are made of."""

import pathlib

from support import PARLEY, PARLEYD, TestCase


class Executables(TestCase):

    def test_neither_links_foundation(self):
        # It would be more than half of each, and its reader of JSON5 can end the process.
        for program in (PARLEY, PARLEYD):
            # In a dynamic executable the library's name, in a static one the names of its types.
            self.assertNotIn(b"FoundationEssentials", pathlib.Path(program).read_bytes(), program)
