"""What a grader sees while a class is graded, and the table at the end."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from patchbook.grading.gradebook.results import OK, Result, number
from patchbook.grading.notebooks.submissions import Submission

GIVEN_UP = """Grading without a sandbox. Submissions run with your rights: they can read and change your
files, the solutions, the gradebook and each other, and use the network. Checks are still judged outside, and
limits on time, memory and files hold, but a submission that means harm can do it, and answers that are kept
from it elsewhere can be read."""
NO_WALLS = """submissions are programs of strangers, and here they cannot be walled in: {why}.
Mend that, or say --no-sandbox: then they run with your rights, can read and change your files, the solutions,
the gradebook and each other, and use the network."""
WIDE = 140  # characters of a line where the output is not a terminal: a file or a CI log


def console() -> Console:
    """Standard output; in a file or a pipe the lines are long, so that no name is cut."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=WIDE)


class Progress:
    """Follows a class that is graded: what came of those that are done, and who is being graded now.

    Called with (done, of, result) for each result; `began` with each submission that a worker takes up.
    """

    def __init__(self, show: Callable[[int, int, Result], None]):
        self.show, self.counts, self.since = show, Counter(), {}

    def began(self, one: Submission) -> None:
        self.since[one.learner, one.chapter] = monotonic()

    def __call__(self, done: int, of: int, result: Result) -> None:
        self.since.pop((result.learner, result.chapter), None)
        self.counts[result.status] += 1
        self.show(done, of, result)

    def __str__(self) -> str:
        """Counts by status, and the submission that takes the longest now, with its seconds."""
        words = [", ".join(f"{count} {status}" for status, count in self.counts.items())]
        waits = sorted((start, whose) for whose, start in list(self.since.items()))
        for start, (learner, chapter) in waits[:1]:
            words.append(f"longest now: {learner} · {chapter}, {monotonic() - start:.0f} s")
        return " · ".join(filter(None, words))


class LiveColumn(ProgressColumn):
    """The words of a Progress, anew with each refresh of the bar."""

    def __init__(self, progress: Progress):
        super().__init__()
        self.progress = progress

    def render(self, task: Task) -> Text:
        return Text(str(self.progress) or task.description)


@contextmanager
def progress_of(out: Console) -> Iterator[Progress]:
    """A bar in a terminal, with counts and the worst wait; one line for each submission elsewhere."""
    if not out.is_terminal:
        yield Progress(lambda done, of, result: out.print(f"[{done}/{of}] {line_of(result)}", markup=False))
        return
    progress = Progress(lambda done, of, result: bar.update(task, completed=done, total=of))
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), LiveColumn(progress)
    with Bar(*columns, console=out, transient=True) as bar:
        task = bar.add_task("building the chapters", total=None)
        yield progress


def line_of(result: Result) -> str:
    parts = result.learner, result.chapter, points_of(result), result.status, f"{result.seconds:.1f} s"
    return " · ".join(parts)


def points_of(result: Result) -> str:
    got = "–" if result.total is None else number(result.total)
    return f"{got} / {number(sum(result.worth.values()))}"


def table_of(results: list[Result]) -> Table:
    """One row for each learner and chapter: points, what waits for a human, what went wrong or was mended."""
    table = Table(title="Grades", title_justify="left", show_lines=False)
    for name, side in (
        ("Learner", "left"),
        ("Chapter", "left"),
        ("Points", "right"),
        ("By hand", "right"),
        ("Status", "left"),
        ("What happened", "left"),
    ):
        table.add_column(name, justify=side, overflow="fold", no_wrap=name in ("Points", "Status", "Chapter"))
    for result in results:
        table.add_row(
            escape(result.learner),
            result.chapter,
            points_of(result),
            number(result.by_hand) if result.by_hand else "",
            result.status if result.status == OK else f"[bold red]{result.status}[/]",
            escape(remarks(result)),
        )
    return table


def remarks(result: Result) -> str:
    """The reason, and what was mended: the first two things; grades.csv has all of them."""
    mended = list(result.mended[:2])
    if len(result.mended) > 2:
        mended.append(f"{len(result.mended) - 2} more")
    return "\n".join([result.reason] * bool(result.reason) + ["mended: " + "; ".join(mended)] * bool(mended))
