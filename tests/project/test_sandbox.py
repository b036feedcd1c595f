"""The walls, one by one, and what happens where they cannot be built. Whole submissions: test_hostile.py."""

import json
import os
import subprocess
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

import patchbook.tests
from patchbook.cli import main
from patchbook.grading.kernels import overseer, sandbox
from patchbook.grading.kernels.overseer import excess
from patchbook.grading.kernels.sandbox import (
    MB,
    Limits,
    Sandbox,
    above,
    confine,
    drop_rights,
    walls,
    why_no_sandbox,
)
from patchbook.grading.kernels.usage import Process, Usage, descendants, read_process, total, waits
from patchbook.grading.kernels.withheld.covers import covers
from patchbook.grading.kernels.withheld.finder import stand_ins
from tests.project.events import running, until
from tests.project.toy import HOME, hand_in, solved

COURSE = Path(__file__).resolve().parents[2]


def inside(*command, covers=()):
    """What a command prints within the walls."""
    done = subprocess.run([*walls(Limits(disk=MB), covers), *command], capture_output=True, text=True, env={})
    return done.stdout + done.stderr


def test_a_sandbox_can_be_built_here():
    assert why_no_sandbox() == ""


def test_neither_the_course_nor_the_grader_is_in_view():
    assert "No such file" in inside("ls", str(COURSE / "solutions"))
    assert "No such file" in inside("ls", str(COURSE / "tests"))
    assert inside("ls", str(COURSE / "patchbook" / "cli.py")) == f"{COURSE / 'patchbook' / 'cli.py'}\n"
    processes = inside("sh", "-c", "ls -d /proc/[0-9]*").split()
    assert len(processes) <= 4, "bubblewrap's own, and ours"
    assert inside("sh", "-c", "env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=") == ""


def test_the_system_is_read_only_and_private_folders_are_small():
    assert "Read-only file system" in inside("touch", "/usr/x")
    assert "No space left" in inside("sh", "-c", "head -c 2000000 /dev/zero > /tmp/x")
    assert inside("cat", "/proc/net/dev").count(":") == 1, "the loopback device alone"


def test_an_ordinary_user_gets_the_same_walls(monkeypatch):
    """A user namespace takes the place of root's rights. Whoever runs this: nobody, when it is root."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    monkeypatch.setattr(sandbox.os, "getuid", lambda: 65534)
    monkeypatch.setattr(sandbox, "python_folders", lambda: [])  # root's home may hold them
    look = "ls -d /proc/[0-9]* | wc -l; touch /usr/x; mount -t tmpfs none /tmp; cat /proc/net/dev | grep -c :"
    command = [*nobody, *walls(Limits(disk=MB)), "sh", "-c", look]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.defpath})
    processes, devices = map(int, done.stdout.split())
    assert processes <= 6 and devices == 1, "bubblewrap's own and ours; the loopback device"
    assert "Read-only file system" in done.stderr and "mount: /tmp: " in done.stderr


def by_nobody(work):
    """What `work` returns in a process of an ordinary user: nobody, when this one is root's."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
            os.write(writer, json.dumps(work()).encode())
        except BaseException as error:
            os.write(writer, json.dumps(repr(error)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader) as said:
        return json.load(said)


def step_inside():
    """Join a sandbox and fork, as an overseer does: how the fork sees itself, and what is left of it."""
    box = Sandbox(Limits(disk=MB))
    box.join()

    def look():
        confine(Limits())
        drop_rights(65534)
        mounts = sandbox._libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)
        return {"pid": os.getpid(), "user": os.getuid(), "mounts": mounts, "/proc": os.listdir("/proc")}

    seen = by_nobody(look)
    box.kill()
    box.wait()
    return seen


def test_an_ordinary_users_fork_joins_the_sandbox_and_has_no_rights_there(monkeypatch):
    monkeypatch.setattr(sandbox, "python_folders", lambda: [])
    seen = by_nobody(step_inside)
    assert isinstance(seen, dict), seen
    assert seen["pid"] < 10 and seen["mounts"] == -1 and seen["user"] == (os.getuid() or 65534)
    assert str(seen["pid"]) in seen["/proc"]


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


@pytest.mark.parametrize(("ids", "user"), [(2**32 - 1, 1_000_000_007), (65_536, 40_007)])
def test_a_kernel_gets_a_user_id_that_the_container_has(ids, user, monkeypatch):
    monkeypatch.setattr(sandbox.Path, "read_text", lambda path: f"{0:>10} {100_000:>10} {ids:>10}\n")
    assert sandbox.lent_user(7) == user


def test_waiting_for_a_processor_is_no_sleep():
    """Each state by a process that stays in it."""
    ours = {"runs": ["sh", "-c", "echo; while :; do :; done"], "sleeps": ["sh", "-c", "echo; read line"]}
    for state, command in ours.items():
        with running(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            process = [Process(child.pid, 0, 0.0, 0)]
            until(lambda process=process, asleep=state == "sleeps": waits(process) == asleep)
        assert waits(process), "what has ended needs no processor"


def test_a_look_that_comes_late_proves_no_more_than_a_beat(monkeypatch):
    watching = overseer.Overseer(None, None)
    watching.looked = 0.0
    for now, worked, asleep, idle in [
        (0.1, 0.0, True, 0.1),
        (0.2, 0.04, True, 0.16),
        (9.2, 0.0, True, 0.26),  # whoever looks had to wait for a processor, too
        (9.3, 0.0, False, 0.26),
        (9.35, 0.0, True, 0.31),
        (9.45, 3.0, True, 0.31),  # many processes work more than there is time
    ]:
        monkeypatch.setattr(overseer, "monotonic", lambda now=now: now)
        watching.note_idleness(worked, asleep)
        assert watching.idle == pytest.approx(idle)


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


@pytest.mark.parametrize(
    ("value", "container", "says"),
    [
        ("1", False, "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        ("0", False, ""),
        ("1", True, "--security-opt flags that book/grade.md lists"),
    ],
)
def test_where_namespaces_are_forbidden_it_says_what_to_do(tmp_path, monkeypatch, value, container, says):
    setting, mark = tmp_path / "setting", tmp_path / "container"
    setting.write_text(f"{value}\n")
    if container:
        mark.touch()
    wanted = next(iter(sandbox.FORBIDS.values()))
    monkeypatch.setattr(sandbox, "FORBIDS", {str(setting): wanted})
    monkeypatch.setattr(sandbox, "CONTAINER", (str(mark),))
    monkeypatch.setattr(sandbox, "walls", lambda limits: ["bwrap", "--no-such-option"])
    why = why_no_sandbox()
    assert "bubblewrap fails here: " in why and "--no-such-option" in why
    assert why.endswith(says) if says else "; " not in why


def test_an_installed_packages_answers_are_out_of_view(tmp_path, monkeypatch):
    tests = tmp_path / "site" / "patchbook" / "tests"
    for name in ("specifications", "mistakes", "other"):
        (tests / name).mkdir(parents=True)
        (tests / name / "toy.py").touch()
    (tests / "other" / "data.json").write_text("answers")
    (tests / "specifications" / "__pycache__").mkdir()
    (tests / "specifications" / "__pycache__" / "toy.cpython-311.pyc").touch()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "site")  # another name of a folder shows no more
    monkeypatch.setattr(sandbox, "python_folders", lambda: [str(tmp_path / "site"), str(link)])
    monkeypatch.setattr(patchbook.tests, "__path__", [str(tests)])
    over = covers(stand_ins(), [tests / "other" / "data.json"], tmp_path / "covers")
    assert inside("ls", "-R", str(tests / "specifications"), covers=over).split()[1:] == ["toy.py"]
    assert inside("cat", str(tests / "mistakes" / "toy.py"), covers=over).startswith('"""Not in a grading')
    other = str(tests / "other").replace(str(tmp_path / "site"), str(link))
    assert inside("ls", other, covers=over) == "data.json\ntoy.py\n"
    assert inside("cat", f"{other}/data.json", str(tests / "other" / "data.json"), covers=over) == ""
    assert "Read-only" in inside("touch", str(tests / "specifications" / "x"), covers=over)


def test_no_sandbox_says_what_is_given_up_and_grades(tmp_path, monkeypatch):
    hand_in(tmp_path / "in", "ada", solved())
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    arguments = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--course", str(HOME)]
    done = CliRunner().invoke(main, [*arguments, "--no-sandbox"])
    assert done.exit_code == 0, done.output
    assert "Submissions run with your rights" in done.output and "8 / 12 · ok" in done.output
