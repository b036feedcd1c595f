"""What a check said about an answer, taken from the outputs of the cells that ran."""

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from patchbook.grading.notebooks.cells import DIED, NOT_RUN, TIMED_OUT
from patchbook.grading.notebooks.outputs import ANSI

LABEL = "What|Where|Next|More"
PART = re.compile(rf"^  ({LABEL}):\s+(.*?)(?=^  (?:{LABEL}):|\Z)", re.MULTILINE | re.DOTALL)
LONGEST = 2000  # characters of one part
STOPPED = {DIED: "crashed", TIMED_OUT: "timed out", NOT_RUN: "timed out"}
ADVICE = {
    DIED: "Look for what ends Python itself: exit(), a very large tensor, endless recursion.",
    TIMED_OUT: "Look for a loop that does not end, and try it on a small input.",
    NOT_RUN: "Mend the cell above that took the time; then this one runs.",
}


@dataclass(frozen=True)
class Said:
    """what, where, next: the check's own words.  kind: the error's name, such as "CheckFailed", or ""."""

    what: str = ""
    where: str = ""
    next: str = ""
    kind: str = ""

    @property
    def stopped(self) -> str:
        """The status that the cell came to, "crashed" or "timed out"; "" when it ran to its end."""
        return STOPPED.get(self.kind, "")


def said(exercise: NotebookNode | None, check: NotebookNode | None) -> Said:
    """What is wrong. An error in the learner's own cell comes first: the check then only misses a name."""
    for cell in (exercise, check):
        error = error_of(cell)
        if error is not None and error.ename != "NotImplementedError":
            return in_parts(error)
    return Said()


def error_of(cell: NotebookNode | None) -> NotebookNode | None:
    """The cell's error; of several, the one that says that it was stopped."""
    outputs = cell.get("outputs", []) if cell is not None else []
    errors = [output for output in outputs if output.output_type == "error"]
    return next((error for error in errors if error.ename in STOPPED), next(iter(errors), None))


def in_parts(error: NotebookNode) -> Said:
    """An error in its parts; one that is not a check's has its first line only, and a general advice."""
    text = clean(error.evalue)
    parts = {name.lower(): " ".join(words.split())[:LONGEST] for name, words in PART.findall(text)}
    parts.pop("more", None)  # pages make the link themselves, from the diagnosis
    if error.ename == "CheckFailed":
        return Said(**{"what": " ".join(text.split())[:LONGEST]} | parts, kind=error.ename)
    if error.ename in STOPPED:
        return Said(f"{STOPPED[error.ename]}: {text[:LONGEST]}", next=ADVICE[error.ename], kind=error.ename)
    line = re.sub(r"\(\S+\.py, (line \d+)\)", r"(\1)", text.split("\n")[0])[:LONGEST]
    return Said(
        f"{clean(error.ename)}: {line}",
        next="Run the cell, and read the error's last line.",
        kind=error.ename,
    )


def clean(text: str) -> str:
    """Without the colours of a terminal and other signs that a page cannot show."""
    return re.sub(r"[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", ANSI.sub("", text))
