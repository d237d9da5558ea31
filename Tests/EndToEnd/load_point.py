# SPDX-License-Identifier: Apache-2.0
"""One line of what a load prints."""


class Point:
    """One line of the output: figures, and what is wrong with them."""

    def __init__(self, name):
        self.name, self.figures, self.wrong = name, [], []

    def say(self, figure):
        self.figures.append(figure)

    def need(self, condition, complaint):
        if not condition:
            self.wrong.append(complaint)

    def all_went(self, results, what):
        """The results that are not errors."""
        failed = [result for result in results if isinstance(result, OSError)]
        self.need(not failed, f"{len(failed)} of {len(results)} {what}, the first: {failed[:1]}")
        return [result for result in results if not isinstance(result, OSError)]

    def show(self):
        verdict = "FAIL" if self.wrong else "ok  "
        wrong = "".join(f"\n       {self.name}: {complaint}" for complaint in self.wrong)
        print(f"{verdict}   {self.name}: {'; '.join(self.figures)}{wrong}", flush=True)
        return not self.wrong
