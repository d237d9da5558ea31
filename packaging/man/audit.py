# SPDX-License-Identifier: Apache-2.0
"""Prints docs/audit.md as a manual page for scdoc: `audit.py docs/audit.md`. Tables become lists, since a page has
no room for their columns."""

import pathlib
import re
import sys

HEAD = """parley-audit(5) "Parley" "File formats"

# NAME

parley-audit - the audit trail of parleyd

# DESCRIPTION
"""
TAIL = """
# SEE ALSO

*parleyd*(8), *parley*(1), *parley-commands*(5)
"""


def escaped(text):
    """What scdoc would take for markup, as itself."""
    return re.sub(r"([\\_*#\[|])", r"\\\1", text)


def words(text):
    """A line of Markdown: code is bold, emphasis underlined, and links are their texts."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    pieces = re.split(r"(`[^`]*`|\*\*[^*]+\*\*|\*[^*]+\*)", text)
    return "".join(
        f"*{escaped(piece.strip('`*'))}*" if piece.startswith(("`", "**"))
        else f"_{escaped(piece.strip('*'))}_" if piece.startswith("*") and len(piece) > 1
        else escaped(piece) for piece in pieces)


def cells(row):
    return [cell.strip() for cell in row.strip().strip("|").split(" | ")]


def table(rows):
    """A list of the first column, each with the others as its text."""
    heads = cells(rows[0])
    for row in rows[2:]:
        first, *others = cells(row)
        yield f"{words(first)}\n"
        text = [words(others[0]) if others else ""]
        for head, cell in zip(heads[2:], others[1:]):
            cell = cell.strip("| ")
            if cell:
                text.append(f"{head[0].upper() + head[1:]}: {words(cell)}.")
        yield "\t" + " ".join(part if part.endswith(".") else f"{part}." for part in text) + "\n\n"


def page(markdown):
    yield HEAD
    lines = markdown.splitlines()[1:]
    while lines:
        line = lines.pop(0)
        if line.startswith("|"):
            rows = [line]
            while lines and lines[0].startswith("|"):
                rows.append(lines.pop(0))
            yield from table(rows)
        elif heading := re.match(r"(#{2,3}) (.*)", line):
            # Page sections are capitals; a section of an event is named by its word.
            name = heading[2].strip("`")
            yield f"# {name.upper()}\n" if heading[1] == "##" else f"## {name}\n"
        elif line.startswith("- "):
            yield f"- {words(line[2:])}\n"
        elif line.startswith("  "):
            yield f"  {words(line.strip())}\n"
        else:
            yield f"{words(line)}\n"
    yield TAIL


if __name__ == "__main__":
    sys.stdout.writelines(page(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
