# SPDX-License-Identifier: Apache-2.0
"""Draws pictures of the results with gnuplot."""

import re
import subprocess

from load import Failed
from machine import which

COLOURS = {"parleyd": "#c2410c", "reference": "#64748b",
           "reference, split": "#94a3b8", "reference, confined": "#94a3b8",
           "redis": "#b91c1c", "nginx": "#15803d",
           "Go crypto/tls": "#0e7490", "stunnel": "#a16207"}

HEAD = """
set terminal svg size 820,{height} dynamic background rgb 'white' font 'sans-serif,13'
set output '{path}'
set title '{title}' font ',15'
set border 3 linecolor rgb '#475569'
set tics nomirror
set grid ytics linecolor rgb '#e2e8f0' linetype 1
set key outside right top Left reverse
"""


def draw(results, folder):
    """Writes the pictures that the results suffice for; returns file names and titles."""
    pictures = [
        ("handshakes.svg",
         "Full handshakes per CPU second of the server, relative to the reference", bars,
         results.of("handshake"), "ratio"),
        ("replies-tls.svg", "TLS replies per CPU second of the server, relative to the reference",
         bars, results.of("reply-tls"), "ratio"),
        ("replies-plaintext.svg",
         "Plaintext replies per CPU second of the server, relative to the reference",
         bars, results.of("reply-plaintext"), "ratio"),
        ("memory.svg", "Resident memory of an idle TLS session, KiB", bars, results.of("memory"),
         "value"),
        ("growth.svg", "CPU time of a TLS reply, one under way, the open sessions in turn, µs",
         curves, results.of("growth"), "value"),
    ]
    drawn = []
    for name, title, kind, rows, what in pictures:
        rows = [row for row in rows if row.values]
        if rows:
            gnuplot(kind(rows, what, title, folder / name))
            drawn.append((name, title))
    for number, (title, _, entries) in enumerate(results.layers):
        name = f"profile-{number + 1}.svg"
        gnuplot(divided(entries, title, folder / name))
        drawn.append((name, f"{title}, by who uses it"))
    return drawn


def divided(entries, title, path):
    """A bar for each part, with its share."""
    script = HEAD.format(height=40 + 26 * len(entries), path=path, title=quoted(title))
    script += "unset key\nset style fill solid 0.9 noborder\nset xrange [0:*]\nset format x '%.0f %%'\n"
    script += f"set yrange [{len(entries) - 0.5}:-0.5]\nset offsets 0, graph 0.1, 0, 0\n"
    ticks = ", ".join(f"'{quoted(name)}' {place}" for place, (name, _, _) in enumerate(entries))
    script += f"set ytics ({ticks}) scale 0\nset boxwidth 0.7\n$data << END\n"
    script += "".join(f"{100 * share} {place}\n" for place, (_, _, share) in enumerate(entries))
    return script + ("END\nplot $data using (0):2:(0):1:($2-0.35):($2+0.35) with boxxyerror linecolor rgb '#c2410c', "
                     "$data using 1:2:(sprintf('%.1f %%', $1)) with labels left offset 0.5,0 font ',10' "
                     "textcolor rgb '#334155'\n")


def triple(row, what):
    """Median, least and greatest."""
    return row.ratio if what == "ratio" else (row.median, min(row.values), max(row.values))


def points(number, rows, what):
    """A server's rows by their places, as gnuplot reads them."""
    lines = [" ".join(map(str, (place, *triple(row, what)))) for place, row in rows.items()]
    return "\n".join([f"$data{number} << END", *lines, "END", ""])


def bars(rows, what, title, path):
    """Groups of bars, a group for each title and a bar for each server."""
    groups = list(dict.fromkeys(row.title for row in rows))
    servers = list(dict.fromkeys(row.server for row in rows))
    width = 0.8 / len(servers)
    script = HEAD.format(height=380, path=path, title=quoted(title))
    script += "set style fill solid 0.9 noborder\nset yrange [0:*]\n"
    script += "set offsets 0, 0, graph 0.07, 0\n"
    shape = "%.2f" if what == "ratio" else "%.1f"
    script += f"set xrange [-0.5:{len(groups) - 0.5}]\n"
    ticks = ", ".join(f"'{quoted(short(group))}' {index}" for index, group in enumerate(groups))
    script += f"set xtics ({ticks}) scale 0\nset boxwidth {0.9 * width}\n"
    if what == "ratio":
        script += "set arrow from graph 0, first 1 to graph 1, first 1 nohead dashtype 2 " \
                  "linecolor rgb '#475569'\n"
    plots = []
    for number, server in enumerate(servers):
        place = (number - (len(servers) - 1) / 2) * width
        script += points(number, {
            groups.index(row.title) + place: row for row in rows if row.server == server}, what)
        colour = COLOURS.get(server, "#7c3aed")
        plots += [f"$data{number} using 1:2 with boxes linecolor rgb '{colour}' "
                  f"title '{quoted(server)}'",
                  f"$data{number} using 1:3:(0):($4-$3) with vectors nohead linewidth 1.5 "
                  "linecolor rgb '#0f172a' notitle",
                  f"$data{number} using 1:4:(sprintf('{shape}', $2)) with labels "
                  "offset 0,0.6 font ',10' textcolor rgb '#334155' notitle"]
    return f"{script}plot {', '.join(plots)}\n"


def curves(rows, what, title, path):
    """A curve for each server over the number of sessions, which is in the title."""
    script = HEAD.format(height=380, path=path, title=quoted(title))
    script += "set logscale x\nset xlabel 'open sessions'\nset yrange [0:*]\nset format x '%.0f'\n"
    plots = []
    for number, server in enumerate(dict.fromkeys(row.server for row in rows)):
        script += points(number, {
            sessions(row.title): row for row in rows if row.server == server}, what)
        colour = COLOURS.get(server, "#7c3aed")
        plots += [f"$data{number} using 1:2:3:4 with yerrorlines linewidth 2 pointtype 7 "
                  f"pointsize 0.6 linecolor rgb '{colour}' title '{quoted(server)}'"]
    return f"{script}plot {', '.join(plots)}\n"


def sessions(title):
    return int(re.search(r"([\d,]+) session", title)[1].replace(",", ""))


def short(title):
    """What distinguishes a group from its neighbours: the text after the last comma with a space."""
    return title.rsplit(", ", 1)[-1]


def quoted(text):
    return text.replace("'", "''").replace("_", r"\_")


def gnuplot(script):
    program = which("gnuplot")
    if not program:
        raise Failed("gnuplot is not installed")
    said = subprocess.run([program, "-"], input=script, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    if said.returncode:
        raise Failed(f"gnuplot: {said.stdout.strip()}")
