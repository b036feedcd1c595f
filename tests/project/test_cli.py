"""The command is thin and quick: it parses, calls and prints, and says plainly what it cannot do."""

import shutil
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from patchbook import doctor
from patchbook.authoring import find_course
from patchbook.cli import as_called, main
from patchbook.doctor import Finding
from patchbook.grading.gradebook.results import Result
from patchbook.grading.notebooks.submissions import Submission
from patchbook.grading.running import progress
from patchbook.grading.running.progress import Progress, progress_of, table_of
from tests.project.toy import CHAPTER, HOME, hand_in, solved


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def python(code):
    return subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("program", "path", "said"),
    [
        (".venv/bin/patchbook", "/usr/bin", ".venv/bin/patchbook"),
        ("{folder}/patchbook", "{folder}", "patchbook"),  # found by its name
        ("my course/patchbook", "/usr/bin", "'my course/patchbook'"),
        ("/usr/bin/pytest", "/usr/bin", "patchbook"),
    ],
)
def test_a_command_that_is_printed_runs_as_it_stands(program, path, said, monkeypatch, tmp_path):
    (tmp_path / "patchbook").touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [program.format(folder=tmp_path)])
    monkeypatch.setenv("PATH", path.format(folder=tmp_path))
    assert as_called() == said


def test_make_ends_with_the_report_of_the_class_that_it_graded():
    root = find_course().root
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", "all", "READY="], cwd=root, capture_output=True, text=True
    )
    *_, grade, report = done.stdout.splitlines()
    assert grade.endswith("patchbook grade examples/submissions --out build/grades")
    assert report == ".venv/bin/patchbook report build/grades"


def test_help_loads_nothing_heavy():
    code = "import sys; sys.argv = ['patchbook', '--help']; from patchbook.cli import main; main()"
    done = python(code)
    assert done.returncode == 0 and "grade" in done.stdout and "doctor" in done.stdout
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    heavy = ("torch", "transformer_lens", "nbgrader", "nbformat", "rich", "jupytext", "yaml")
    assert not loaded & set(heavy)


def test_the_help_of_no_command_loads_torch():
    helps = "; ".join(f"main([{name!r}, '--help'], standalone_mode=False)" for name in main.commands)
    done = python(f"from patchbook.cli import main; {helps}")
    assert done.returncode == 0 and done.stdout.count("Usage: ") == len(main.commands)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"torch", "transformer_lens", "rich"}


def test_every_command_has_a_help_with_its_options():
    for name, command in main.commands.items():
        shown = run(name, "--help").output
        assert command.help.split("\n")[0] in shown
        assert all(option.help in " ".join(shown.split()) for option in command.params
                   if isinstance(option, click.Option) and option.help and len(option.help) < 30)  # fmt: skip


def test_grade_prints_progress_without_a_terminal_and_the_table(tmp_path):
    hand_in(tmp_path / "submissions", "ada", solved())
    (tmp_path / "submissions" / "grace").mkdir()
    done = run(
        "grade", tmp_path / "submissions", "--out", tmp_path / "out", "--course", HOME, "--chapter", CHAPTER
    )
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[1].startswith("[2/2] ada · 00_toy · 8 / 12 · ok · ")
    assert lines[0].startswith("[1/2] grace · 00_toy · – / 12 · missing · ")
    assert any("nothing was handed in" in line for line in lines[2:])
    assert (tmp_path / "out" / "grades.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--course", HOME, "--chapter", "99_none"], "has no chapter '99_none'; it has: 00_toy"),
        (["--course", HOME], "no notebook to grade in"),
        (["--course", "/"], "holds no _config.yml"),
        (["--timeout", "0"], "Invalid value for '--timeout'"),
    ],
)
def test_what_cannot_be_graded_is_said_in_one_line(tmp_path, arguments, says):
    done = run("grade", tmp_path, "--out", tmp_path / "out", *arguments)
    assert done.exit_code != 0 and says in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists(), "nothing is left behind"


def test_a_chapter_that_cannot_be_built_stops_before_grading(tmp_path):
    course = tmp_path / "course"
    shutil.copytree(HOME, course)
    source = course / "solutions" / f"{CHAPTER}.md"
    source.write_text(source.read_text().replace("# CHECK double\n", ""))
    hand_in(tmp_path / "submissions", "ada", solved())
    done = run("grade", tmp_path / "submissions", "--out", tmp_path / "out", "--course", course)
    assert done.exit_code == 1 and "write `# CHECK double`" in done.output


def test_names_with_brackets_are_printed_as_they_are():
    out = Console(width=140, force_terminal=False, record=True)
    result = Result("[red]bo[/red]", CHAPTER, "crashed", {"double": 3.0}, {}, reason="check of [x]: [/] died")
    with progress_of(out) as progress:
        progress(1, 1, result)
    out.print(table_of([result]))
    text = out.export_text()
    assert text.count("[red]bo[/red]") == 2 and "check of [x]: [/] died" in text and "– / 3" in text


def test_a_terminal_gets_a_bar_with_counts():
    out = Console(width=140, force_terminal=True, record=True)
    with progress_of(out) as progress:
        progress(1, 2, Result("ada", CHAPTER, "crashed", {}, {}))
        progress(2, 2, Result("bob", CHAPTER, "ok", {}, {}))
    text = out.export_text()
    assert "1 crashed, 1 ok" in text and "2/2" in text


def test_who_is_graded_the_longest_is_said(monkeypatch):
    clock = iter([0.0, 5.0, 47.0, 48.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    line = Progress(lambda done, of, result: None)
    for learner in ("[b]ada", "bob"):
        line.began(Submission(learner, CHAPTER, None))
    assert str(line) == "longest now: [b]ada · 00_toy, 47 s"
    line(1, 2, Result("[b]ada", CHAPTER, "crashed", {}, {}))
    assert str(line) == "1 crashed · longest now: bob · 00_toy, 43 s"
    line(2, 2, Result("bob", CHAPTER, "ok", {}, {}))
    assert str(line) == "1 crashed, 1 ok"


@pytest.mark.parametrize(("fatal", "code"), [(True, 1), (False, 0)])
def test_doctor_fails_only_for_what_is_required(monkeypatch, fatal, code):
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("torch", "missing", "pip install torch", fatal)])
    done = run("doctor")
    assert done.exit_code == code and "pip install torch" in done.output
