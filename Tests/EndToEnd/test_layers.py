# SPDX-License-Identifier: Apache-2.0
"""What docs/design.md says of the modules, compared with what Sources has."""

import re
import subprocess
import unittest

from support import PARLEY, PARLEYD, REPOSITORY

SOURCES = REPOSITORY / "Sources"
LONGEST = 300
"""Lines of a source file."""


def layers(*options):
    return subprocess.run([REPOSITORY / "scripts" / "layers", *options], stdout=subprocess.PIPE,
                          text=True, timeout=30, check=False)


def graph():
    """The modules, each with those that it imports."""
    drawn = dict(line.partition(" -> ")[::2] for line in layers().stdout.splitlines())
    return {name.strip(): set(filter(None, below.split(", "))) for name, below in drawn.items()}


def linked(module, modules):
    """Itself, and all that it imports, by whatever way."""
    found, left = set(), {module}
    while left:
        found |= left
        left = set().union(*(modules[name] for name in left)) - found
    return found


def code(file):
    """A source file without its comments, none of which follow code on a line."""
    return re.sub(r"(?m)^\s*//.*$", "", file.read_text())


SHOWN = re.compile(
    r"\\\([^()\"]*\b(?:error|failure|fault)\b(?![.\w:])"
    r"|\b(?:print|String|dump)\([^()]*\b(?:error|failure|fault)\b(?![.\w:])"
    r"|\b(?:error|failure|fault)\.(?:description|debugDescription|localizedDescription|told)\b")
"""An error that becomes text: interpolated, printed, or asked for it."""

OPTION = re.compile(r"(?<![-\w])--[a-z][a-z0-9-]*")


def declared():
    """The options of both programs, as each of them tells."""
    helps = (subprocess.run([program, "--help"], stdout=subprocess.PIPE, text=True, timeout=30,
                            check=True).stdout for program in (PARLEY, PARLEYD))
    return {option for text in helps for option in OPTION.findall(text)}


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
        self.assertEqual(
            linked("parley", graph()) & {"Commands", "Programs", "Serving", "parleyd"}, set())

    def test_no_layer_below_the_command_line_names_an_option(self):
        options, modules = declared(), graph()
        self.assertLess({"--certs", "--plaintext", "--connect-timeout", "--audit"}, options)
        below = {name for name in modules if "Console" not in linked(name, modules)}
        self.assertLess({"System", "Sockets", "TLS", "Conversations", "Serving"}, below)
        for file in sorted(file for name in below for file in (SOURCES / name).glob("**/*.swift")):
            self.assertEqual(set(OPTION.findall(code(file))) & options, set(), file)

    def test_what_a_remedy_names_is_an_option(self):
        named = set(OPTION.findall(code(SOURCES / "Console" / "Remedies.swift")))
        self.assertLess({"--ca", "--pin", "--server-name", "--tls-min"}, named)
        self.assertEqual(named - declared(), set())

    def test_no_program_shows_an_error_where_its_remedy_could_be_forgotten(self):
        # Only where Console is imported does "\(fault)" of a fault with remedies not compile.
        for line in (r'"it failed: \(error)"', 'print(failure)', 'String(describing: error)',
                     'log.write(error.told)', 'error.description'):
            self.assertRegex(line, SHOWN)
        for line in (r'"\(error.code)"', r'"\(error.sentence)"', 'throw error', 'fail(error)'):
            self.assertNotRegex(line, SHOWN)
        modules = graph()
        programs = {name for name in modules if "Console" in linked(name, modules)} - {"Console"}
        self.assertLessEqual({"parley", "parleyd"}, programs)
        shows = {file for name in programs for file in (SOURCES / name).glob("**/*.swift")
                 if SHOWN.search(code(file))}
        self.assertLess({SOURCES / "parley" / "Parley.swift", SOURCES / "parleyd" / "Reload.swift",
                         SOURCES / "parleyd" / "Recorded.swift"}, shows)
        self.assertEqual({file for file in shows
                          if not re.search(r"(?m)^\w+ import Console$", file.read_text())}, set())

    def test_a_fault_that_is_said_otherwise_keeps_its_cause(self):
        again = re.compile(r"\w*Error\(\s*(?:\.\w+,\s*)?"
                           r"(?:\w+\.code\b|\"[^\"\n]*\\\((?:error|failure|fault)\.(?:sentence|told)\))")
        for text in ('StreamError(\n error.code, "x")', r'StreamError(.reset, "\(error.told); x")'):
            self.assertRegex(text, again)
        for file in SOURCES.glob("**/*.swift"):
            made = [text for text in again.findall(code(file)) if not text.startswith("UsageError")]
            self.assertEqual(made, [], f"{file}: say it with Fault.saying, which keeps the cause")

    def test_what_goes_to_any_thread_unchecked_is_what_the_design_says(self):
        page = (REPOSITORY / "docs" / "design.md").read_text()
        unchecked = {name for file in SOURCES.glob("**/*.swift")
                     for name in re.findall(r"(?:class|struct|enum) (\w+)[^{\n]*@unchecked Sendable|"
                                            r"@unchecked Sendable", file.read_text())}
        said = re.search(r"types say `@unchecked Sendable`.*?: (.*?)\.\n", page, re.S)
        self.assertEqual(unchecked, set(re.findall(r"`(\w+)`", said[1])))

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
