"""What has been graded already: one line of JSON for each result, written when all of it is on disk.

A grader that was killed reads it and goes on. A line is the last thing that happens to a submission, so what
has no line is done again from the start, and what has one is not.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

from patchbook.grading.gradebook.results import Result


class Journal:
    """`known(fingerprint)` gives an earlier result; `add` makes one known, also after a power cut.

    Only the last result of a learner's chapter is known: it is the one that the gradebook holds.
    """

    def __init__(self, path: Path):
        self.path = path
        self.results: dict[str, Result] = {}
        self.latest: dict[tuple[str, str], str] = {}  # learner, chapter: the fingerprint that counts
        for fingerprint, result in _lines(path) if path.exists() else ():
            self._take(fingerprint, result)

    def known(self, fingerprint: str) -> Result | None:
        return self.results.get(fingerprint)

    def forget(self) -> None:
        self.results, self.latest = {}, {}
        self.path.unlink(missing_ok=True)

    def add(self, fingerprint: str, result: Result) -> None:
        line = json.dumps({"fingerprint": fingerprint} | asdict(result)) + "\n"
        with self.path.open("ab") as file:
            if file.tell() and not self._ends_well():
                file.write(b"\n")  # the last line was torn: it stays alone, and counts for nothing
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self._take(fingerprint, result)

    def _take(self, fingerprint: str, result: Result) -> None:
        whose = result.learner, result.chapter
        self.results.pop(self.latest.get(whose, ""), None)
        self.latest[whose] = fingerprint
        self.results[fingerprint] = result

    def _ends_well(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"


def _lines(path: Path):
    """Every whole line, the later ones over the earlier."""
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = json.loads(line)
            fingerprint = entry.pop("fingerprint")
            yield fingerprint, Result(**entry | {"mended": tuple(entry["mended"])})
        except (ValueError, KeyError, TypeError):  # torn by a power cut, or of an older version
            continue
