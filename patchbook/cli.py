"""The `patchbook` command: parses, calls, prints. Each command imports what it needs when it runs."""

import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import click

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)

# options that several commands have
COURSE = click.option(
    "--course", "root", type=FOLDER, help="The course's folder. Default: the checkout around this folder."
)
TIMEOUT = click.option(
    "--timeout",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Seconds that one cell may run.",
)
SCHEDULER = click.option(
    "--scheduler", default="", help="A Dask cluster that does the work, such as tcp://host:8786."
)
GRADEBOOK = click.option(
    "--gradebook",
    envvar="PATCHBOOK_GRADEBOOK",
    help="Another gradebook than gradebook.db: postgresql://user@host/database.",
)
NO_SANDBOX = click.option(
    "--no-sandbox",
    is_flag=True,
    help="Without walls: submissions can read and change what you can, and use the network.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="patchbook")
def main() -> None:
    """Reading transformer circuits: grade a class, verify figures, look after an installation."""


@main.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to grade afterwards: new, or of an earlier collect.",
)
@click.option(
    "--attempts",
    type=click.Choice(["latest", "first", "best-name", "all"]),
    default="latest",
    show_default=True,
    help="Which of several files by one learner counts.",
)
@click.option("--chapter", help="Collect one chapter only, such as 01_induction_heads.")
@COURSE
def collect(
    sources: tuple[Path, ...], into: Path, attempts: str, chapter: str | None, root: Path | None
) -> None:
    """Take in folders, zips and notebooks, as an LMS, Colab or a mailbox gives them.

    Each file is mended or refused with a reason. The result, INTO/<learner>/<chapter>.ipynb, is what
    `patchbook grade` reads; INTO/collected.json lists every file.
    """
    from patchbook.authoring import CourseError, find_course
    from patchbook.grading.collect.attempts import COLLECTED
    from patchbook.grading.collect.collecting import LIST, NotOurs
    from patchbook.grading.collect.collecting import collect as collect_files
    from patchbook.grading.collect.table import progress_of, summary, table_of
    from patchbook.grading.running.progress import console

    screen = console()
    try:
        with progress_of(screen) as progress:
            entries = collect_files(find_course(root), list(sources), into, attempts, chapter, progress)
    except (CourseError, NotOurs) as error:
        sys.exit(f"patchbook collect: {error}")
    screen.print(table_of(entries))
    screen.print(f"{summary(entries)}\n{into / LIST}: every file", soft_wrap=True, highlight=False)
    sys.exit(not any(entry.status == COLLECTED for entry in entries))


@main.command()
@click.argument("submissions", type=FOLDER)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("graded"),
    show_default=True,
    help="Where the gradebook, the feedback and grades.csv go.",
)
@click.option("--chapter", help="Grade one chapter only, such as 01_induction_heads.")
@TIMEOUT
@click.option("--workers", type=click.IntRange(min=1), help="Submissions at once. Default: one per core.")
@SCHEDULER
@click.option("--run-all", is_flag=True, help="Run the cells that only show, too. No mark depends on them.")
@click.option("--again", is_flag=True, help="Grade also what an earlier run graded into the same folder.")
@GRADEBOOK
@NO_SANDBOX
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "github"]),
    default="table",
    show_default=True,
    help="github: SUBMISSIONS is one learner's repository, and annotations are printed.",
)
@COURSE
def grade(
    submissions: Path,
    out: Path,
    chapter: str | None,
    timeout: int,
    workers: int | None,
    scheduler: str,
    run_all: bool,
    again: bool,
    gradebook: str | None,
    no_sandbox: bool,
    form: str,
    root: Path | None,
) -> None:
    """Grade SUBMISSIONS/<learner>/<chapter>.ipynb with nbgrader.

    A notebook that cannot be graded gets a status and a reason, and never stops the others. Stopped
    half-way, the same command goes on where it was. With --format github the exit code is 1 when points
    are missing.
    """
    from patchbook.authoring import AuthorError, CourseError, find_course
    from patchbook.grading.gradebook.database import gradebook_of
    from patchbook.grading.gradebook.trouble import GradingFailed
    from patchbook.grading.kernels.sandbox import SandboxMissing
    from patchbook.grading.running.batch import Options, grade_class
    from patchbook.grading.running.progress import GIVEN_UP, NO_WALLS, console, progress_of, table_of

    screen = console()
    options = Options(
        timeout, workers or 0, not no_sandbox, run_all, again, scheduler=scheduler, gradebook=gradebook
    )
    if no_sandbox:
        click.echo(GIVEN_UP, err=True)
    try:
        if form == "github":
            from patchbook.grading.platforms.github import grade_repository

            place = submissions.absolute()
            sys.exit(grade_repository(find_course(root), place, chapter, out, options, click.echo))
        with progress_of(screen) as progress:
            results = grade_class(
                find_course(root), submissions.absolute(), out, chapter, options, progress, progress.began
            )
    except SandboxMissing as error:
        sys.exit(f"patchbook grade: {NO_WALLS.format(why=error)}")
    except (AuthorError, CourseError, FileNotFoundError, GradingFailed) as error:
        sys.exit(f"patchbook grade: {error}")
    collected = submissions / "collected.json"  # `patchbook report` reads times and an LMS's numbers there
    if collected.is_file():
        shutil.copyfile(collected, out / collected.name)
    screen.print(table_of(results))
    screen.print(
        f"{out / 'grades.csv'}: points, statuses, reasons\n{out / 'feedback'}: one page each\n"
        f"{gradebook_of(out).removeprefix('sqlite:///')}: nbgrader's gradebook\n"
        f"pages for learners and for you: {as_called()} report {shlex.quote(str(out))}",
        soft_wrap=True,
        highlight=False,
    )


@main.command()
@click.argument("people", metavar="CLASS", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("graded"),
    show_default=True,
    help="Where everything goes: what was handed in, the gradebook, links.csv.",
)
@click.option(
    "--chapter", "chapters", multiple=True, help="Take this chapter; say it again for another. Default: all."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="0.0.0.0: the room's network reaches it."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--address",
    default="",
    help="Where learners reach it, when a proxy stands before: https://class.example.org",
)
@click.option(
    "--largest", type=click.IntRange(1, 50), default=10, show_default=True, help="MB of one notebook."
)
@click.option(
    "--hourly",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="How often one learner may hand in within an hour.",
)
@TIMEOUT
@click.option("--workers", type=click.IntRange(min=1), help="Notebooks at once. Default: one per core.")
@SCHEDULER
@GRADEBOOK
@NO_SANDBOX
@COURSE
def serve(
    people: Path,
    out: Path,
    chapters: tuple[str, ...],
    host: str,
    port: int,
    address: str,
    largest: int,
    hourly: int,
    timeout: int,
    workers: int | None,
    scheduler: str,
    gradebook: str | None,
    no_sandbox: bool,
    root: Path | None,
) -> None:
    """Let a class hand in on a web page, and read feedback there within seconds.

    CLASS is a text file with a name on each line. OUT/links.csv then has a code and a personal link for
    each learner. Your own board, whose address is printed, shows the class live: who is stuck on what, and
    what is queued. Marks go where `patchbook grade` would put them; `patchbook report OUT` works as always.
    Whenever it is stopped, the same command goes on, and nothing that was accepted is lost.
    """
    try:
        from patchbook.grading.serving.running import CannotServe, Limits, Serving
        from patchbook.grading.serving.running import serve as run
    except ModuleNotFoundError as error:
        sys.exit(f"patchbook serve: {error.name} is not installed: pip install 'patchbook[teach,serve]'")
    from patchbook.authoring import AuthorError, CourseError, find_course
    from patchbook.grading.gradebook.trouble import GradingFailed
    from patchbook.grading.kernels.sandbox import SandboxMissing
    from patchbook.grading.running.progress import GIVEN_UP, NO_WALLS
    from patchbook.grading.serving.people import BadClass

    if no_sandbox:
        click.echo(GIVEN_UP, err=True)
    told = Serving(people, out, chapters, host, port, address, Limits(largest, hourly), timeout, workers or 0)
    told = replace(told, scheduler=scheduler, gradebook=gradebook, sandboxed=not no_sandbox)
    try:
        run(find_course(root), told, click.echo)
    except KeyboardInterrupt:
        click.echo("\nstopped; what waits is graded when the same command is given again")
    except SandboxMissing as error:
        sys.exit(f"patchbook serve: {NO_WALLS.format(why=error)}")
    except (AuthorError, BadClass, CannotServe, CourseError, GradingFailed, OSError) as error:
        sys.exit(f"patchbook serve: {error}")


@main.command()
@click.argument("grades", type=FOLDER, required=False)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where it goes. Default: GRADES/report."
)
@click.option(
    "--export-group",
    "group",
    metavar="NAME",
    help="Print a group of the teacher's page as a row for tests/mistakes, and write no page.",
)
@click.option(
    "--attempts",
    type=FOLDER,
    help="Print what became of each diagnosis in the learners' patchbook-attempts.jsonl in this folder.",
)
@click.option("--title", default="", help="The heading of the teacher's page.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Lateness, extensions, dropped questions, bonus points. Default: policy.toml beside the course.",
)
@click.option("--late", help='Points taken off, such as "10%/day". Needs --due.')
@click.option(
    "--due",
    multiple=True,
    help="When: 2026-11-01T23:59, or 01_induction_heads=2026-11-01T23:59 for a chapter.",
)
@click.option(
    "--gradebook", envvar="PATCHBOOK_GRADEBOOK", help="Its URL. Default: the one that grading wrote to."
)
def report(
    grades: Path | None,
    out: Path | None,
    group: str | None,
    attempts: Path | None,
    title: str,
    policy: Path | None,
    late: str | None,
    due: tuple[str, ...],
    gradebook: str | None,
) -> None:
    """Write pages and tables from what `patchbook grade` left in GRADES.

    A page for each learner, one for the teacher, and CSV files for Canvas and Moodle. Run it again after
    marking by hand, after grading again, and after a change of GRADES/comments.toml.
    """
    if attempts:
        show_attempts(attempts)
    if grades is None:
        if attempts:
            return
        raise click.UsageError("say the folder that `patchbook grade` filled, or --attempts")
    from patchbook.grading.gradebook.trouble import GradingFailed
    from patchbook.grading.report import NothingGraded, notice, read_class, write_report
    from patchbook.grading.report.late import BadRule, policy_of
    from patchbook.grading.report.pages import pointless_in
    from patchbook.grading.report.policy import Rules, read_rules
    from patchbook.grading.running.progress import console

    out = out or grades / "report"
    try:
        policy = policy or beside_course()
        rules, said = read_rules(policy) if policy else Rules(), policy_of(late, due)
        if said and rules.late:
            raise BadRule(f"--late is in {policy}, too: say it in one place")
        rules = replace(rules, late=said or rules.late)
        with console().status("reading the gradebook"):
            works, noticed = notice(grades, read_class(grades, gradebook, rules))
        if group:
            click.echo(group_as_mistake(noticed.groups, group), nl=False)
            return
        page = write_report(works, out, title, rules=rules, noticed=noticed)
    except (NothingGraded, BadRule, GradingFailed) as error:
        sys.exit(f"patchbook report: {error}")
    for line in pointless_in(rules, works):
        click.echo(f"{policy}: this row changes nothing: {line}", err=True)
    for line in noticed.lost:
        click.echo(f"{grades / 'comments.toml'}: this comment reaches nobody: {line}", err=True)
    click.echo(
        f"{page}: the class\n{out / 'learners'}: one page each\n"
        f"{out / 'canvas.csv'}, moodle-<chapter>.csv: for import\n{out / 'points.csv'}: everything\n"
        f"in a browser: {page.resolve().as_uri()}"
    )


@main.group()
def export() -> None:
    """Write what Gradescope, GitHub or JupyterHub need, to grade there."""


@export.command()
@click.option("--chapter", required=True, help="Such as 01_induction_heads.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("autograder.zip"),
    show_default=True,
    help="The zip to upload.",
)
@click.option(
    "--hidden",
    type=click.Choice(["after_published", "after_due_date", "visible"]),
    default="after_published",
    show_default=True,
    help="When a learner sees an exercise that only fails a hidden test.",
)
@COURSE
def gradescope(chapter: str, out: Path, hidden: str, root: Path | None) -> None:
    """Write the autograder.zip of one chapter: a test with its points and message for each exercise."""
    from patchbook.grading.platforms.export import write_gradescope

    size = exported("gradescope", lambda course: write_gradescope(course, chapter, hidden, out), root)
    click.echo(f"{out}: {size / 2**20:.1f} MB; upload it under Configure Autograder")


@export.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    show_default=True,
    help="The repository that learners start from.",
)
@click.option("--chapter", help="Grade one chapter only. Default: every notebook of the course.")
@COURSE
def github(out: Path, chapter: str | None, root: Path | None) -> None:
    """Write the workflow that grades a learner's repository at each push."""
    from patchbook.grading.platforms.export import write_github

    path = exported("github", lambda course: write_github(course, chapter, out), root)
    click.echo(f"{path}: commit it to the repository that learners start from")


@export.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder in which nbgrader's commands are given afterwards.",
)
@click.option(
    "--chapter",
    "chapters",
    multiple=True,
    help="Write this chapter; say it again for another. Default: all.",
)
@click.option(
    "--course-id", default="patchbook", show_default=True, help="The course's name in the exchange."
)
@click.option("--exchange", default="", help="The exchange's folder. Default: nbgrader's own.")
@COURSE
def nbgrader(out: Path, chapters: tuple[str, ...], course_id: str, exchange: str, root: Path | None) -> None:
    """Write a course folder for nbgrader's own commands: nbgrader_config.py and the chapters' sources."""
    from patchbook.grading.platforms.export import write_nbgrader

    def write(course):
        names = [course.require(name) for name in chapters] or course.chapters
        return write_nbgrader(course, names, course_id, exchange, out)

    for path in exported("nbgrader", write, root):
        click.echo(path)


def exported(what: str, write, root: Path | None):
    """What `write` returns for the course; ends the program with one line where it cannot be written."""
    from patchbook.authoring import AuthorError, CourseError, find_course
    from patchbook.grading.notebooks.plan import UnfitCheck
    from patchbook.grading.platforms.export import CannotExport

    try:
        return write(find_course(root))
    except (AuthorError, CannotExport, CourseError, OSError, UnfitCheck) as error:
        sys.exit(f"patchbook export {what}: {error}")


def show_attempts(folder: Path) -> None:
    """Print for each diagnosis how many were right at the next attempt."""
    from patchbook.attempts import table, worth_of_feedback

    rows, files = worth_of_feedback(folder)
    if not rows:
        sys.exit(f"patchbook report: {folder} holds no attempts; files of them end in .jsonl")
    click.echo(f"{table(rows)}\n\nfrom the files of {files} learner{'s' if files != 1 else ''}")


def group_as_mistake(groups: tuple, name: str) -> str:
    """A group as a mistake to be named. Ends the command when there is none of that name."""
    from patchbook.grading.report.groups import as_mistake
    from patchbook.grading.report.policy import like

    found = next((group for group in groups if group.kind.id == name), None)
    if found is None:
        names = [group.kind.id for group in groups]
        sys.exit(f"patchbook report: no group is called {name!r}{like(name, names)}")
    return as_mistake(found)


def beside_course() -> Path | None:
    """policy.toml of the course around this folder, if there is one."""
    from patchbook.authoring import CourseError, find_course
    from patchbook.grading.report.policy import FILE

    try:
        path = find_course(None).root / FILE
    except CourseError:
        return None
    return path if path.is_file() else None


def as_called() -> str:
    """This program as one can call it here, so that what it prints can be run as it stands."""
    called = Path(sys.argv[0])
    if called.name != "patchbook" or shutil.which("patchbook") == str(called):
        return "patchbook"
    return shlex.quote(sys.argv[0])


@main.command()
def doctor() -> None:
    """Say what is installed, what is missing, and the command that mends it.

    The exit code is 1 when something is missing that the exercises need, or, in a checkout, grading.
    """
    from patchbook.doctor import examine, report

    findings = examine()
    report(findings)
    sys.exit(any(finding.fatal for finding in findings))


@main.command()
@click.option(
    "--model", default="gpt2-small", show_default=True, help="A name that load_model knows, or a folder."
)
@click.option(
    "--figures",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Another file of figures. Default: those published for GPT-2 small.",
)
def verify(model: str, path: Path | None) -> None:
    """Recompute the figures that others published, and show both.

    The exit code is 0 when all are within tolerance, 1 when some are not, 3 when the model cannot be had.
    """
    from rich.console import Console

    from patchbook.models import ModelUnavailable, load_model
    from patchbook.verify import read_figures, recomputed
    from patchbook.verify.show import show, summary

    figures = read_figures(path)
    try:
        loaded = load_model(model, device="cpu")  # the figures are compared to the third decimal
    except ModelUnavailable as error:
        click.echo(f"patchbook verify: {error}", err=True)
        sys.exit(3)
    screen = Console(highlight=False)
    rows = show(screen, recomputed(loaded, figures), figures)
    screen.print(summary(rows))
    sys.exit(int(not all(row.within for row in rows if not row.left_out)))
