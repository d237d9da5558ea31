# SPDX-License-Identifier: Apache-2.0
"""The manual pages: they document exactly the existing options and keys, and man(1) can display them."""

import functools
import re
import subprocess
import unittest

from server import IS_ROOT
from support import LIMIT, PARLEY, PARLEYD, REPOSITORY, new_folder

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def printed(*words):
    ended = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=LIMIT)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def source(name):
    return (REPOSITORY / "packaging" / "man" / f"{name}.scd").read_text()


def defined(name):
    """The options that a page explains: those at the beginning of an entry."""
    return {option for line in source(name).splitlines() if line.startswith("*--") for option in OPTION.findall(line)}


@functools.lru_cache(maxsize=None)
def pages():
    """The folder that has the pages, as they are installed."""
    folder = new_folder()
    printed(REPOSITORY / "scripts" / "pages", folder)
    return folder


class Pages(unittest.TestCase):

    def test_every_option_of_a_program_is_in_its_page_and_no_other(self):
        for name, *commands in (("parley.1", [PARLEY, "--help"], [PARLEY, "run", "--help"]),
                                ("parleyd.8", [PARLEYD, "--help"], [PARLEYD, "check", "--help"]),
                                ("parley-certs.1", [REPOSITORY / "scripts" / "generate-certs", "--help"])):
            with self.subTest(name):
                options = set(OPTION.findall("".join(printed(*command) for command in commands)))
                self.assertGreater(len(options), 5)
                self.assertEqual(defined(name), options)

    def test_every_key_of_a_table_is_in_its_page_and_no_other(self):
        text = source("parley-commands.5")
        entries = text[text.index("# ENTRIES"):text.index("# WHAT A PROGRAM GETS")]
        keys = {key for line in entries.splitlines() if re.match(r"\*\w+\*(, \*\w+\*)*$", line)
                for key in re.findall(r"\w+", line)}
        # The server names the keys that there are where it refuses another.
        table = new_folder() / "commands.json5"
        table.write_text('{ commands: { a: { run: ["/bin/true"], nokey: 1 } } }')
        ended = subprocess.run([PARLEYD, "check", "--commands", table], capture_output=True, text=True, timeout=LIMIT)
        known = ended.stderr.split("; expected ")[1].strip().split(", ")
        self.assertEqual(sorted(keys), sorted(known))

    def test_the_example_of_a_table_is_one(self):
        text = source("parley-commands.5")
        example = text[text.index("# EXAMPLE"):].split("```")[1]
        self.assertIn('user: "root",', example)
        if not IS_ROOT:  # Whose server can start nothing as root, and says so.
            example = example.replace('user: "root",', "")
        table = new_folder() / "commands.json5"
        table.write_text(example)
        self.assertIn("email:alice@example.org", printed(PARLEYD, "check", "--commands", table))

    def test_man_takes_the_pages(self):
        self.assertEqual({page.name for page in pages().iterdir()},
                         {"parley.1", "parleyd.8", "parley-certs.1", "parley-commands.5", "parley-audit.5"})
        for page in pages().iterdir():
            with self.subTest(page.name):
                ended = subprocess.run(
                    ["groff", "-man", "-Tutf8", "-ww", "-z", str(page)], capture_output=True, text=True,
                    timeout=LIMIT)
                self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_the_audit_page_has_every_event_and_field(self):
        page = (pages() / "parley-audit.5").read_text().replace("\\", "")
        text = (REPOSITORY / "docs" / "audit.md").read_text()
        events = re.findall(r"(?m)^### `([a-z-]+)`", text)
        fields = re.findall(r"(?m)^\| `(\w+)` \|", text)
        self.assertGreater(len(events), 9)
        for word in (*events, *fields):
            self.assertIn(word, page)


if __name__ == "__main__":
    unittest.main()
