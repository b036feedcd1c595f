"""The walls, one by one, and what happens where they cannot be built. Whole submissions: test_hostile.py."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from patchbook.cli import main
from patchbook.grading import sandbox
from patchbook.grading.keeper import excess
from patchbook.grading.sandbox import MB, Limits, Sandbox, above, walls, why_no_sandbox
from patchbook.grading.usage import Process, Usage, descendants, read_process, total
from tests.project.toy import HOME, hand_in, solved

COURSE = Path(__file__).resolve().parents[2]


def inside(*command):
    """What a command prints within the walls."""
    done = subprocess.run([*walls(Limits(disk=MB)), *command], capture_output=True, text=True, env={})
    return done.stdout + done.stderr


def test_a_sandbox_can_be_built_here():
    assert why_no_sandbox() == ""


def test_neither_the_course_nor_the_grader_is_in_view():
    assert "No such file" in inside("ls", str(COURSE / "solutions"))
    assert "No such file" in inside("ls", str(COURSE / "tests"))
    assert inside("ls", str(COURSE / "patchbook" / "models.py")) == f"{COURSE / 'patchbook' / 'models.py'}\n"
    processes = inside("sh", "-c", "ls -d /proc/[0-9]*").split()
    assert len(processes) <= 4, "bubblewrap's own, and ours"
    assert inside("sh", "-c", "env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=") == ""


def test_the_system_is_read_only_and_private_folders_are_small():
    assert "Read-only file system" in inside("touch", "/usr/x")
    assert "No space left" in inside("sh", "-c", "head -c 2000000 /dev/zero > /tmp/x")
    assert inside("cat", "/proc/net/dev").count(":") == 1, "the loopback device alone"


def test_folders_on_the_way_are_open_to_a_user_without_rights():
    assert above("/a/b/c", "/a/d") == ["/a", "/a/b"]


def test_an_environment_that_lies_in_tmp_is_in_view(tmp_path, monkeypatch):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "here").touch()
    monkeypatch.setattr(sandbox, "python_folders", lambda: [str(tmp_path / "venv")])
    assert inside("ls", str(tmp_path), str(tmp_path / "venv")).split()[1:] == [
        "venv",
        f"{tmp_path}/venv:",
        "here",
    ]
    assert "drwxrwxrwx" in inside("ls", "-ld", "/tmp")


def test_the_end_of_a_sandbox_is_the_end_of_all_in_it():
    box = Sandbox(Limits())
    assert Path(box.root, "tmp").is_dir() and psutil.pid_exists(box.init)
    box.kill()
    box.wait()
    assert not psutil.pid_exists(box.init) and box.monitor.returncode is not None


@pytest.mark.parametrize(
    ("usage", "seconds", "words"),
    [
        (Usage(1.0, 10 * MB, 1), 1.0, ""),
        (Usage(1.0, 3000 * MB, 1), 1.0, "more than 2048 MB of memory"),
        (Usage(9999.0, 0, 1), 1.0, "seconds of processor time"),
        (Usage(1.0, 0, 1), 9999.0, "ran for more than 3600 seconds"),
    ],
)
def test_each_limit_has_its_words(usage, seconds, words):
    assert words in excess(usage, seconds, Limits())
    assert bool(words) == bool(excess(usage, seconds, Limits()))


def test_usage_counts_what_is_a_process_own():
    assert total([Process(1, 0, 0.5, 100), Process(2, 1, 1.0, 30)], shared=40) == Usage(1.5, 60, 2)
    with subprocess.Popen(["sleep", "60"]) as child:
        assert child.pid in [process.pid for process in descendants(os.getpid())]
        child.kill()
    assert read_process(child.pid) is None


def test_without_bubblewrap_nothing_is_graded_until_that_is_asked_for(tmp_path, monkeypatch):
    hand_in(tmp_path / "in", "ada", solved())
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    arguments = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--course", str(HOME)]
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code == 1 and not (tmp_path / "out").exists()
    assert "apt-get install bubblewrap" in refused.output and "--no-sandbox" in refused.output
    assert "can read and change your files" in refused.output


def test_no_sandbox_says_what_is_given_up_and_grades(tmp_path, monkeypatch):
    hand_in(tmp_path / "in", "ada", solved())
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    arguments = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--course", str(HOME)]
    done = CliRunner().invoke(main, [*arguments, "--no-sandbox"])
    assert done.exit_code == 0, done.output
    assert "Submissions run with your rights" in done.output and "6 / 10 · ok" in done.output
