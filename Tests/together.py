# SPDX-License-Identifier: Apache-2.0
"""Runs test files at the same time, each in its own Python process, and prints the output of each when it ends.

usage: together.py FOLDER
They wait more than they work, so one more of them than there are processors runs at once. Exit status: 0 when all passed.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time


def run(path):
    """What unittest says of a file, and whether all of it passed."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "discover", "-s", path.parent, "-p", path.name],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False)
    text = done.stdout
    count = re.search(r"^Ran (\d+) test", text, re.M)
    # An empty file passes in some versions of Python.
    passed = done.returncode == 0 and count and int(count[1]) > 0
    skipped = re.search(r"skipped=(\d+)", text.splitlines()[-1] if text else "")
    return path.name, text, passed, int(count[1]) if count else 0, \
        int(skipped[1]) if skipped else 0, time.monotonic() - began


def main(folder):
    # The longest first, or the last one would run alone; lines are a fair guess.
    files = sorted(pathlib.Path(folder).glob("test_*.py"), key=lambda file: -file.stat().st_size)
    first = [file for file in files if file.stem in ("test_load", "test_soak", "test_bench")]
    files = first + [file for file in files if file not in first]
    failed, tests, skips = [], 0, 0
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0)) + 1) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, file) for file in files]):
            name, text, passed, count, skipped, seconds = future.result()
            tests, skips = tests + count, skips + skipped
            if not passed:
                failed.append(name)
                print(text)
            print(f"{'ok  ' if passed else 'FAIL'} {name}: {count} tests, {skipped} skipped, "
                  f"{seconds:.1f} s", flush=True)
    print(f"{tests} tests of {len(files)} files in {time.monotonic() - began:.0f} s, "
          f"{skips} skipped: {'failed: ' + ' '.join(sorted(failed)) if failed else 'all passed'}")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
