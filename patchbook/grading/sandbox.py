"""The walls around one submission: bubblewrap builds them, a warm process steps inside, and drops its rights.

bubblewrap gives what it is known for: namespaces of their own for processes, files, network, hosts and IPC, a
read-only system, private tmpfs folders. A process that it starts would be a cold one, with imports of several
seconds to do. So it starts one that only waits, and the fork of our warm process joins its namespaces.

Inside there is no network, no other process, no course, gradebook or submission, no variable of the grader's.
"""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from json import JSONDecoder
from pathlib import Path

from patchbook.grading.usage import PAGE

HOME = "/home/learner"
MEETING = "/run/kernel"  # the kernel's sockets; the grader reaches them from outside by its own right
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
NOBODY = 1_000_000_000  # first of the user ids that a grader who is root lends out, one for each sandbox
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    memory: bytes, over all its processes, beyond the libraries.  disk: bytes of its private folders.
    file: bytes of one file.  cpu: seconds of one process, and of all of them together.  wall: seconds.
    """

    memory: int = 2048 * MB
    processes: int = 64  # threads count too
    disk: int = 256 * MB
    file: int = 128 * MB
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
    return "" if done.returncode == 0 else f"bubblewrap fails here: {done.stderr.strip()[:300]}"


def walls(limits: Limits) -> list[str]:
    """The bwrap command up to the program it runs."""
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
    for path in ("/tmp", HOME, MEETING, "/dev/shm"):
        command += ["--perms", "0777", "--size", str(limits.disk), "--tmpfs", path]
    for folder in above(*python_folders()):  # after the private folders: this package may itself lie in /tmp
        command += ["--perms", "0755", "--dir", folder]
    for path in (*SYSTEM, *SETTINGS, *python_folders()):
        command += ["--ro-bind-try", path, path]
    return [*command, "--chdir", HOME]


def above(*paths: str) -> list[str]:
    """Every folder on the way to the paths, outermost first."""
    return sorted({str(parent) for path in paths for parent in Path(path).parents} - {"/"})


def python_folders() -> list[str]:
    """This interpreter, its packages, and this package without the course around it."""
    package = Path(__file__).resolve().parents[1]
    folders = [sys.base_prefix, sys.prefix, package]
    return [str(Path(f)) for f in folders if not str(f).startswith("/usr/")]


class Sandbox:
    """One sandbox that waits for a process to step in.

    Its init's death ends every process inside, however they were started. So does its maker's.
    """

    def __init__(self, limits: Limits):
        self.limits = limits
        reader, writer = os.pipe()
        self.monitor = subprocess.Popen(
            [*walls(limits), "--info-fd", str(writer), "sh", "-c", "echo ready; exec sleep infinity"],
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
        names = ["ipc", "pid", "net", "uts", "mnt"]
        if os.getuid() != 0:
            names.insert(0, "user")
        doors = [os.open(f"/proc/{self.init}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in names]
        for door in doors:
            if _libc.setns(door, 0):
                raise OSError(ctypes.get_errno(), "the sandbox cannot be joined")
            os.close(door)
        os.chdir("/")

    def kill(self) -> None:
        """Kill everything inside."""
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.init, signal.SIGKILL)

    def wait(self) -> None:
        """Return when all of it is gone."""
        with self.monitor:  # closes its pipes, too
            self.monitor.wait()


def confine(limits: Limits) -> None:
    """Set this process's limits, which its children inherit."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * PAGE  # libraries are mapped, not used up
    for what, most in (
        (resource.RLIMIT_AS, now + limits.memory),
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    Path("/proc/self/oom_score_adj").write_text("1000")  # where memory ends all the same, this one goes first


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
