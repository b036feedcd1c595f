"""The walls around one submission: bubblewrap builds them, a warm process steps inside, and drops its rights.

bubblewrap gives what it is known for: namespaces of their own for processes, files, network, hosts and IPC, a
read-only system, private tmpfs folders. A process that it starts would be a cold one, with imports of several
seconds to do. So it starts one that only waits, and the fork of our warm process joins its namespaces.

Inside there is no network, no other process, no course, gradebook or submission, no variable of the grader's.
"""

import contextlib
import ctypes
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from json import JSONDecoder
from pathlib import Path

from patchbook.grading.kernels.usage import PAGE

HOME = "/home/learner"
MEETING = "/run/kernel"  # the kernel's sockets; the grader reaches them from outside by its own right
PRIVATE = ("/tmp", HOME, MEETING, "/dev/shm")  # folders in memory that a submission may write to
MB = 2**20
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/alternatives",
    "/etc/ssl",
    "/etc/fonts",
    "/etc/mime.types",
)
CONTAINER = ("/.dockerenv", "/run/.containerenv")
FORBIDS = {  # a setting, the value that keeps ordinary users from making namespaces, and what changes it
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    "/proc/sys/user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=10000"),
}
NOBODY = 1_000_000_000  # first of the user ids that a grader who is root lends out, one for each sandbox
FEW = 40_000, 20_000  # where a container has only 65,536 ids: the first lent out, and how many
NS_GET_USERNS, PR_SET_DUMPABLE = 0xB701, 4
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    memory: bytes, over all its processes, beyond the libraries; private folders and sockets are part of it.
    disk: bytes of each private folder.  file: bytes of one file.  open: files of one process.
    cpu: seconds of one process, and of all of them together.  wall: seconds.
    """

    memory: int = 2048 * MB
    processes: int = 64  # threads count too
    disk: int = 256 * MB
    file: int = 128 * MB
    open: int = 512
    cpu: int = 1800
    wall: int = 3600

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class SandboxMissing(RuntimeError):
    """bubblewrap cannot build a sandbox here; the message says why and what to do."""


def why_no_sandbox() -> str:
    """Why submissions cannot be walled in on this machine; empty when they can."""
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed (on Debian and Ubuntu: apt-get install bubblewrap)"
    done = subprocess.run(
        [*walls(Limits()), "true"], capture_output=True, text=True, env={"PATH": os.defpath}, timeout=60
    )
    if done.returncode == 0:
        return ""
    return "; ".join([f"bubblewrap fails here: {done.stderr.strip()[:300]}", *how_to_mend()])


def how_to_mend() -> list[str]:
    """What to do where ordinary users may not make namespaces, by what this machine says of itself."""
    if any(Path(mark).exists() for mark in CONTAINER):
        return ["a container must be started with the --security-opt flags that book/grade.md lists"]
    told = {path: Path(path).read_text().strip() for path in FORBIDS if Path(path).is_file()}
    return [f"as root: {FORBIDS[path][1]}" for path, now in told.items() if now == FORBIDS[path][0]]


def walls(limits: Limits, covers: Sequence[str] = ()) -> list[str]:
    """The bwrap command up to the program it runs. covers: what lies over files that are out of view."""
    command = [
        "bwrap",
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup-try",
    ]
    if os.getuid() != 0:  # root needs no user namespace: the kernel gets a user id of its own instead
        command += ["--unshare-user"]
    command += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for folder in above(HOME, MEETING):  # bubblewrap would close them to other users
        command += ["--perms", "0755", "--dir", folder]
    for path in PRIVATE:
        command += ["--perms", "0777", "--size", str(limits.disk), "--tmpfs", path]
    for folder in above(*python_folders()):  # after the private folders: this package may itself lie in /tmp
        command += ["--perms", "0755", "--dir", folder]
    for path in (*SYSTEM, *SETTINGS, *python_folders()):
        command += ["--ro-bind-try", path, path]
    command += [*covers, "--remount-ro", "/dev", "--remount-ro", "/"]  # memory, too, and without a limit
    return [*command, "--chdir", HOME]


def above(*paths: str) -> list[str]:
    """Every folder on the way to the paths, outermost first."""
    return sorted({str(parent) for path in paths for parent in Path(path).parents} - {"/"})


def python_folders() -> list[str]:
    """This interpreter, its packages, and this package without the course around it."""
    package = Path(__file__).resolve().parents[2]
    folders = [sys.base_prefix, sys.prefix, package]
    return [str(Path(f)) for f in folders if not str(f).startswith("/usr/")]


def in_view(path: str | Path) -> list[str]:
    """Where a sandbox shows a file or folder of ours: nowhere, or also under another name of its folder."""
    real = Path(path).resolve()
    shown = [Path(root) for root in (*SYSTEM, *python_folders()) if Path(root).exists()]
    found = [root / real.relative_to(root.resolve()) for root in shown if real.is_relative_to(root.resolve())]
    return [str(place) for place in dict.fromkeys(found) if place.exists()]


class Sandbox:
    """One sandbox that waits for a process to step in.

    Its init's death ends every process inside, however they were started. So does its maker's.
    """

    def __init__(self, limits: Limits, covers: Sequence[str] = ()):
        self.limits = limits
        reader, writer = os.pipe()
        self.monitor = subprocess.Popen(
            [*walls(limits, covers), "--info-fd", str(writer), "sh", "-c", "echo ready; exec sleep infinity"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[writer],
            env={"PATH": os.defpath},
        )
        os.close(writer)
        ready = self.monitor.stdout.readline()
        if ready != b"ready\n":
            raise SandboxMissing(f"bubblewrap fails here: {self.monitor.stderr.read().decode()[:300]}")
        with open(reader, encoding="utf-8") as said:
            self.init = JSONDecoder().raw_decode(said.read())[0]["child-pid"]

    @property
    def root(self) -> str:
        """The sandbox's file system as the grader sees it."""
        return f"/proc/{self.init}/root"

    def join(self) -> None:
        """Step inside with every child that is forked from now on. The caller keeps its rights."""
        doors = [self.door(name) for name in ("mnt", "ipc", "pid", "net", "uts")]
        if os.getuid() != 0:
            doors = around(doors, self.door("user"))
        for door in doors:
            if _libc.setns(door, 0):
                raise OSError(ctypes.get_errno(), "the sandbox cannot be joined")
            os.close(door)
        os.chdir("/")

    def door(self, name: str) -> int:
        """An open file that stands for a namespace of the sandbox."""
        return os.open(f"/proc/{self.init}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)

    def kill(self) -> None:
        """Kill everything inside."""
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.init, signal.SIGKILL)

    def wait(self) -> None:
        """Return when all of it is gone."""
        with self.monitor:  # closes its pipes, too
            self.monitor.wait()


def around(doors: list[int], user: int) -> list[int]:
    """The doors, and those of the user namespaces: rights over the sandbox come first, its user last.

    bubblewrap makes two: one that owns everything, with the user as root, and one in it with the user as
    they are. Rights over a namespace are only had in the first.
    """
    owner = fcntl.ioctl(doors[0], NS_GET_USERNS)
    same = os.fstat(owner).st_ino == os.fstat(user).st_ino
    return [owner, *doors] if same else [owner, *doors, user]


def confine(limits: Limits) -> None:
    """Set this process's limits, which its children inherit."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * PAGE  # libraries are mapped, not used up
    for what, most in (
        (resource.RLIMIT_AS, now + limits.memory),
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_NOFILE, limits.open),  # pipes have buffers, too
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the next file is not its own, after a change of user
    Path("/proc/self/oom_score_adj").write_text("1000")  # where memory ends all the same, this one goes first


def lent_user(number: int) -> int:
    """A user id that nobody has, for the process of this number. Some containers have few ids."""
    ranges = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    if any(first <= NOBODY + number < first + count for first, _, count in ranges):
        return NOBODY + number
    return FEW[0] + number % FEW[1]


def lend(folder: str, file: str, user: int) -> int:
    """Give a kernel's folder, and the file of its addresses in it, to a user; returns whose it is.

    After a restart it is the earlier kernel's. No link is followed: that one may have left some.
    """
    owner = os.lstat(folder).st_uid
    if owner != os.getuid():
        return owner
    for path in (file, folder):
        os.chown(path, user, user, follow_symlinks=False)
    return user


def drop_rights(user: int) -> None:
    """For good: no privileges to gain, no capabilities, and, where the grader is root, the user id `user`."""
    PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
    for capability in range(64):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for those that this system does not have
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if _libc.capset(header, none) or _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "rights cannot be dropped")
