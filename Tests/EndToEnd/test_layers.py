# SPDX-License-Identifier: Apache-2.0
"""What docs/design.md says of the modules, compared with what Sources has."""

import re
import subprocess
import unittest

from support import REPOSITORY

SOURCES = REPOSITORY / "Sources"
LONGEST = 300
"""Lines of a source file."""


def layers(*options):
    return subprocess.run([REPOSITORY / "scripts" / "layers", *options], stdout=subprocess.PIPE,
                          text=True, timeout=30, check=False)


class Layers(unittest.TestCase):
    def test_the_page_draws_the_modules_as_they_are(self):
        page = (REPOSITORY / "docs" / "design.md").read_text()
        drawn = re.search(r"`scripts/layers` draws [^\n]*\n\n```\n(.*?)```\n", page, re.S)
        self.assertTrue(drawn, "docs/design.md has the graph of modules")
        self.assertEqual(drawn[1].rstrip(), layers().stdout.rstrip(),
                         "run scripts/layers and put what it prints into docs/design.md")

    def test_no_files_of_a_module_name_each_other_in_a_circle(self):
        self.assertEqual(layers("--circles").stdout, "")

    def test_the_client_has_no_table_and_no_programs(self):
        graph = dict(line.partition(" -> ")[::2] for line in layers().stdout.splitlines())
        graph = {name.strip(): set(filter(None, below.split(", "))) for name, below in graph.items()}
        linked, left = set(), {"parley"}
        while left:
            linked |= left
            left = set().union(*(graph[name] for name in left)) - linked
        self.assertEqual(linked & {"Commands", "Programs", "Serving", "parleyd"}, set())

    def test_no_source_file_is_longer_than_it_may_be(self):
        for file in [*SOURCES.glob("**/*.swift"), *SOURCES.glob("**/*.[ch]")]:
            lines = len(file.read_text().splitlines())
            self.assertLessEqual(lines, LONGEST, file)

    def test_the_files_that_the_pages_name_are_there(self):
        for page in ("CONTRIBUTING.md", "README.md", "docs/design.md", "docs/audit.md"):
            text = (REPOSITORY / page).read_text()
            named = set(re.findall(r"`((?:Sources|Tests|docs|scripts)/[\w/.-]+)`", text))
            missing = sorted(name for name in named if not (REPOSITORY / name).exists())
            self.assertEqual(missing, [], page)


if __name__ == "__main__":
    unittest.main()
