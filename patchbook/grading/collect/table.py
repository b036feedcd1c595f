"""The table of what was collected."""

from collections import Counter
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from patchbook.grading.collect.attempts import COLLECTED, PASSED_OVER, REFUSED, Entry

LOOKS = {COLLECTED: "", PASSED_OVER: "dim", REFUSED: "bold red"}


@contextmanager
def progress_of(out: Console):
    """In a terminal, the number of files so far and the last one. Yields `progress(entry)`."""
    columns = SpinnerColumn(), TextColumn("{task.completed} files"), TimeElapsedColumn()
    with Progress(*columns, TextColumn("{task.description}"), console=out, transient=True) as bar:
        task = bar.add_task("reading the chapters", total=None, visible=out.is_terminal)
        yield lambda entry: bar.update(task, advance=1, description=escape(entry.origin))


def table_of(entries: list[Entry]) -> Table:
    """One row for each file: whose, which chapter, from where and when, what became of it and why."""
    table = Table(title="Collected", title_justify="left")
    for name in ("Learner", "Chapter", "From", "Handed in", "Result", "What happened"):
        table.add_column(name, overflow="fold", no_wrap=name in ("Chapter", "Result"))
    for entry in entries:
        table.add_row(
            escape(entry.learner) or "?",
            entry.chapter or "?",
            escape(entry.origin),
            handed_in(entry),
            f"[{LOOKS[entry.status]}]{entry.status}[/]" if LOOKS[entry.status] else entry.status,
            escape(remarks(entry)),
        )
    return table


def handed_in(entry: Entry) -> str:
    """The time as the teacher's clock shows it."""
    if not entry.handed_in:
        return "late" if entry.late else ""
    when = datetime.fromisoformat(entry.handed_in).astimezone()
    return when.strftime("%Y-%m-%d %H:%M") + " late" * entry.late


def remarks(entry: Entry) -> str:
    """The reason, and the first two things that were mended; collected.json has all of them."""
    more = [f"{len(entry.mended) - 2} more"] if len(entry.mended) > 2 else []
    mended = "mended: " + "; ".join([*entry.mended[:2], *more]) if entry.mended else ""
    return "\n".join(filter(None, [entry.reason, mended]))


def summary(entries: list[Entry]) -> str:
    """ "12 collected, 1 refused": counts of what became of the files."""
    counts = Counter(entry.status for entry in entries)
    said = [f"{counts[status]} {status}" for status in LOOKS if counts[status]]
    return ", ".join(said) or "no file found"
