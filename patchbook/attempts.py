"""A learner's attempts, kept only if the learner says so, and what a class's say about the checks' messages.

    import patchbook
    patchbook.keep_attempts(True)      # in the cell under the set-up, which says False until it is changed

From then on, until the kernel ends, each check that runs adds a line to patchbook-attempts.jsonl beside the
notebook: the exercise, the diagnosis ("" where the answer is right), the time. No name, no code, and nothing
is sent anywhere. While a notebook is graded nothing is kept.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from patchbook.outline import UNWRITTEN
from patchbook.sessions import is_nobodys

FILE = "patchbook-attempts.jsonl"
LARGEST = 4 * 2**20  # bytes of a file that is read
WORD = re.compile(r"[\w-]{0,80}")

_kept: dict[str, Any] = {"file": None, "latest": {}}  # latest: by exercise, the answer and its diagnosis


class Attempt(NamedTuple):
    """One run of a check. diagnosis: "" where the answer was right.  time: seconds since 1970."""

    exercise: str
    diagnosis: str
    time: float


def keep_attempts(yes: bool = True) -> None:
    """Keep a line of each attempt in a file beside the notebook, from now on; with False, no more.

    The line has the exercise, the diagnosis and the time. Read it, delete it, or give it to your teacher:
    nobody else sees it.
    """
    if is_nobodys() or (not yes and _kept["file"] is None):
        return
    _kept["file"] = Path.cwd() / FILE if yes else None
    if yes:
        print(f"From now on each attempt is a line in {_kept['file']}: exercise, diagnosis, time.")
        print("It is sent nowhere. patchbook.keep_attempts(False) ends it; the file is yours to delete.")
    else:
        print("No attempt is kept from now on.")


def note(exercise: str, diagnosis: str, answer: Any) -> None:
    """A visible check has run. The same answer with the same diagnosis, run again, is no new attempt.

    answer: the function's code, or the value; it is compared with the last one, and not kept.
    """
    file, latest = _kept["file"], _kept["latest"]
    if file is None or is_nobodys() or diagnosis in UNWRITTEN:
        return
    this = diagnosis, answer if hasattr(answer, "co_code") else repr(answer)
    if latest.get(exercise) == this:
        return
    latest[exercise] = this
    line = {
        "exercise": exercise,
        "diagnosis": diagnosis,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with suppress(OSError), file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")


# --- what a class's files say ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Worth:
    """What became of a diagnosis. learners: who got it.  again: how often another attempt followed.

    right: how often that one was right.  same: how often it had the same diagnosis.
    """

    exercise: str
    diagnosis: str
    learners: int
    given: int
    again: int
    right: int
    same: int


def worth_of_feedback(folder: Path) -> tuple[list[Worth], int]:
    """For each diagnosis of the files in a folder, the commonest first; and how many files were read.

    Each .jsonl file, wherever below the folder, is one learner's.
    """
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 4)
    learners: dict[tuple[str, str], set[Path]] = defaultdict(set)
    files = [path for path in sorted(folder.rglob("*.jsonl")) if path.is_file()]
    for path in files:
        by_exercise = defaultdict(list)
        for attempt in sorted(_attempts(path), key=lambda attempt: attempt.time):
            by_exercise[attempt.exercise].append(attempt.diagnosis)
        for exercise, diagnoses in by_exercise.items():
            for now, then in zip(diagnoses, [*diagnoses[1:], None], strict=True):
                if now:
                    learners[exercise, now].add(path)
                    for place, holds in enumerate((True, then is not None, then == "", then == now)):
                        counts[exercise, now][place] += holds
    rows = [Worth(*key, len(learners[key]), *count) for key, count in counts.items()]
    return sorted(rows, key=lambda row: (-row.given, row.exercise, row.diagnosis)), len(files)


def _attempts(path: Path) -> Iterator[Attempt]:
    """The lines that are attempts; a learner's file may hold anything else."""
    with suppress(OSError), path.open("rb") as file:
        for line in file.read(LARGEST).split(b"\n"):
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                row = json.loads(line)
                words = row["exercise"], row["diagnosis"]
                if all(WORD.fullmatch(word) for word in words) and words[0]:
                    yield Attempt(*words, datetime.fromisoformat(row["time"]).timestamp())


def table(rows: list[Worth]) -> str:
    """The rows as text: of those who tried again, how many were right at once."""
    head = ("exercise", "diagnosis", "learners", "given", "tried again", "right then", "same again")
    lines = [head]
    for row in rows:
        share = f"{row.right} ({100 * row.right / row.again:.0f} %)" if row.again else "–"
        counts = (row.learners, row.given, row.again, share, row.same)
        lines.append((row.exercise, row.diagnosis, *map(str, counts)))
    wide = [max(len(line[i]) for line in lines) for i in range(len(head))]
    spaced = (
        [
            cell.ljust(w) if i < 2 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, wide, strict=True))
        ]
        for line in lines
    )
    return "\n".join("  ".join(cells).rstrip() for cells in spaced)
