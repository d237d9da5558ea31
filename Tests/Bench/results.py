# SPDX-License-Identifier: Apache-2.0
"""What was measured: rows of samples, their medians, and the table that they become."""

import statistics

from load import DISTURBED


class Row:
    """One server's samples of one figure, a sample a round."""

    def __init__(self, figure, title, unit, server):
        self.figure, self.title, self.unit, self.server = figure, title, unit, server
        self.values, self.ratios, self.latencies, self.foreign = [], [], [], []
        self.ratios_beside = {}
        """To other bases than the figure's, for the note."""
        self.fault = None

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    @property
    def ratio(self):
        """Median, least and greatest of the rounds' ratios to the figure's base."""
        return spread(self.ratios) if self.ratios else None

    @property
    def percentiles(self):
        """p50, p99 and p99.9 in microseconds, each the median over the rounds."""
        if not self.latencies:
            return None
        return tuple(statistics.median(sample) for sample in zip(*self.latencies))

    @property
    def note(self):
        if self.fault:
            return self.fault
        parts = [f"{shown_ratio(spread(ratios))} to {base}" for base, ratios in self.ratios_beside.items()]
        disturbed = [share for share in self.foreign if share > DISTURBED]
        if disturbed:
            rounds = f" in {len(disturbed)} of {len(self.values)}" if len(self.values) > 1 else ""
            parts.append(f"disturbed{rounds}: others up to {max(disturbed)} %")
        return "; ".join(parts)

    def cells(self):
        if not self.values:
            return [self.title, self.server, "", "", "", self.note or "no figure"]
        value = f"{shown(self.median)} {self.unit}"
        if len(self.values) > 1:
            value += f" ({shown(min(self.values))}–{shown(max(self.values))})"
        ratio = shown_ratio(self.ratio) if self.ratio else ""
        latency = " / ".join(shown(value) for value in self.percentiles or ())
        return [self.title, self.server, value, ratio, latency, self.note]


class Results:
    """All rows, in the order in which they were begun."""

    def __init__(self):
        self.rows = {}
        self.remarks = []
        self.layers = []

    def row(self, figure, title, unit, server):
        key = (title, server)
        if key not in self.rows:
            self.rows[key] = Row(figure, title, unit, server)
        return self.rows[key]

    def place(self, title):
        """Titles of one figure stay together, although two may be measured at once."""
        figures = list(dict.fromkeys(row.figure for row in self.rows.values()))
        return min(figures.index(row.figure) for row in self.rows.values() if row.title == title)

    def of(self, figure):
        return [row for row in self.rows.values() if row.figure == figure]

    def remark(self, text):
        if text not in self.remarks:
            self.remarks.append(text)

    def table(self):
        """Markdown that reads as well in a terminal."""
        head = ["figure", "server", "median (min–max)", "ratio", "p50 / p99 / p99.9 µs", "note"]
        titles = list(dict.fromkeys(row.title for row in self.rows.values()))
        rows = [row.cells() for title in sorted(titles, key=self.place)
                for row in self.rows.values() if row.title == title]
        last = None
        for cells in rows:
            # A figure is named once, above its servers.
            last, cells[0] = cells[0], "" if cells[0] == last else cells[0]
        return markdown(head, rows)


def markdown(head, rows):
    rows = [[cell.replace("|", "/") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"

    return "\n".join([line(head), line(["-" * width for width in widths]), *map(line, rows)])


def spread(values):
    """Median, least and greatest."""
    return statistics.median(values), min(values), max(values)


def shown_ratio(ratio):
    middle, least, most = ratio
    return f"{middle:.2f}" + (f" ({least:.2f}–{most:.2f})" if least < most else "")


def shown(value):
    """Three digits that count, or all of a greater number."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
