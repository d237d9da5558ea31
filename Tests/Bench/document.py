# SPDX-License-Identifier: Apache-2.0
"""What is printed at the end, and what `--plot` writes into docs/benchmarks.md."""

import os

import plots
from results import markdown

BEGIN = "<!-- written by scripts/bench --plot -->"
END = "<!-- end of what scripts/bench --plot writes -->"


class Page:
    def __init__(self, bench, command):
        self.bench, self.command = bench, command
        self.results = bench.results

    def text(self):
        return "\n\n".join([self.circumstances(), *self.remarks(), self.results.table(),
                            *self.layers()])

    def circumstances(self):
        machine = self.bench.machine
        lines = [f"{name}: {text}" for name, text in machine.description()]
        versions = [f"{name} {text}" for name, text in machine.versions(self.bench.binaries)]
        rounds = self.bench.options.rounds
        lines += [f"versions: {', '.join(versions)}",
                  f"date: {machine.today()}; command: `{self.command}`; "
                  f"{rounds} round{'s' * (rounds > 1)}"]
        return "\n".join(f"- {line}" for line in lines)

    def remarks(self):
        return ["\n".join(self.results.remarks)] if self.results.remarks else []

    def layers(self):
        """A table for each profile."""
        for title, unit, entries in self.results.layers:
            yield markdown(
                [title, "share", unit],
                [[name, f"{100 * share:.1f} %", "" if cost is None else f"{cost:,.0f}"]
                 for name, cost, share in entries])

    def write(self, path):
        """Replaces what is between the two markers, and the plots next to the page."""
        page = path.read_text()
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        folder = path.parent / path.stem
        folder.mkdir(exist_ok=True)
        pictures = [f"![{title}]({path.stem}/{name})"
                    for name, title in plots.draw(self.results, folder)]
        inside = "\n\n".join(["", self.text(), *pictures, ""])
        # Whole or not at all.
        new = path.with_suffix(".new")
        new.write_text(f"{before}{BEGIN}{inside}{END}{after}")
        os.replace(new, path)
