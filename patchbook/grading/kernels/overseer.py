"""One process beside each warm kernel: builds its sandbox, forks it, signals it, and leaves nothing behind.

The overseer is itself a fork of the warm process. It stays outside of the sandbox's process namespace, so
that no submission can see or stop it. When the grader goes away, its end of the connection closes, and all
ends.
"""

import contextlib
import ctypes
import json
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

from patchbook.grading.kernels.held import held
from patchbook.grading.kernels.sandbox import (
    MEETING,
    PRIVATE,
    Limits,
    Sandbox,
    confine,
    drop_rights,
    lend,
    lent_user,
)
from patchbook.grading.kernels.usage import Usage, all_processes, descendants, read_process, total, waits

BEAT = 0.1  # seconds between two looks at what the kernel uses
LAST_WORDS = 500  # bytes of a kernel that did not start
_PR_SET_CHILD_SUBREAPER = 36


def oversee(
    connection: Connection,
    request: dict[str, Any],
    run: Callable[[dict[str, Any]], None],
    covers: Sequence[str] = (),
) -> None:
    """Fork a kernel that does `run(request)`, answer questions about it, and end with it or its grader.

    covers: of its sandbox, if it has one.
    """
    os.setsid()
    overseer = Overseer(connection, Limits(**request["limits"]) if request["limits"] else None, covers)
    try:
        overseer.start(request, run)
        overseer.answer()
    except Exception as error:  # whoever asked for a kernel must hear why there is none
        tell(connection, {"error": f"{type(error).__name__}: {error}"})
    finally:
        overseer.end()


class Overseer:
    """The grader sends {} or {"signal": number} and gets the kernel's state; {"end": true} ends it all."""

    def __init__(self, connection: Connection, limits: Limits | None, covers: Sequence[str] = ()):
        self.connection, self.limits, self.covers = connection, limits, covers
        self.sandbox, self.kernel, self.code, self.why = None, 0, None, ""
        self.last, self.idle, self.held = Usage(), 0.0, 0

    def start(self, request: dict[str, Any], run: Callable[[dict[str, Any]], None]) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # daemons of a kernel without walls
        own = read_process(os.getpid())
        self.shared, self.began = own.memory, monotonic()
        self.looked = self.began
        user = lent_user(os.getpid())  # before a sandbox is joined, which has another /proc
        if request["apart"]:
            user = lend(request["folder"], request["file"], user)
        if request["sandboxed"]:
            self.sandbox = Sandbox(self.limits, self.covers)
            self.sandbox.join()
            self.held = held([], PRIVATE)
        self.words, words = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.kernel = os.fork()
        if self.kernel == 0:
            become(words, request, self.limits, user, run)
        os.close(words)
        place = f"{self.sandbox.root}{MEETING}" if self.sandbox else ""
        tell(self.connection, {"pid": self.kernel, "meeting": place})

    def answer(self) -> None:
        """Until the grader hangs up."""
        while True:
            if self.connection.poll(BEAT):
                try:
                    asked = json.loads(self.connection.recv_bytes())
                except (EOFError, ConnectionError):
                    return
                if "end" in asked:
                    return
                if "signal" in asked and self.code is None:
                    self.signal(asked["signal"])
            else:
                asked = None
            self.look()
            if asked is not None:
                tell(self.connection, self.state())

    def state(self) -> dict[str, Any]:
        used = {"cpu": self.last.cpu, "idle": self.idle, "memory": self.last.memory}
        return {"code": self.code, "why": self.why} | used

    def look(self) -> None:
        """Note whether the kernel lives and what it uses; end it when that is too much."""
        self.reap()
        if self.code is not None:
            return
        processes = all_processes() if self.sandbox else descendants(os.getpid())
        extra = held([process.pid for process in processes], PRIVATE if self.sandbox else ())
        usage = total(processes, self.shared, extra - self.held)
        self.note_idleness(usage.cpu - self.last.cpu, waits(processes))
        self.last = Usage(max(usage.cpu, self.last.cpu), usage.memory, usage.processes)
        if self.limits and not self.why:
            self.why = excess(self.last, monotonic() - self.began, self.limits)
            if self.why:
                self.signal(signal.SIGKILL)

    def note_idleness(self, worked: float, waits: bool) -> None:
        """Add what of the time since the last look the kernel slept; waiting for a processor is no sleep.

        One look stands for a beat at most: where the machine is busy, looks come late, and prove no more.
        """
        now = monotonic()
        if waits:
            self.idle += max(0.0, min(now - self.looked, BEAT) - worked)
        self.looked = now

    def reap(self) -> None:
        """Take note of children that ended: the kernel, and orphans of a kernel without walls."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.kernel:
                self.code = os.waitstatus_to_exitcode(status)
                self.why = self.why or self.last_words()

    def last_words(self) -> str:
        """What a kernel said that did not start. Its children may hold the pipe open, and empty."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self.words, LAST_WORDS).decode("utf-8", "replace")
        return ""

    def signal(self, number: int) -> None:
        """To the kernel's process group, as jupyter_client does it."""
        for send in (os.killpg, os.kill):
            try:
                return send(self.kernel, number)
            except (ProcessLookupError, PermissionError):  # gone, or not yet a group of its own
                continue

    def end(self) -> None:
        """Every process that the kernel started is gone when this returns."""
        if self.sandbox:
            self.sandbox.kill()
            if self.kernel and self.code is None:
                os.waitpid(
                    self.kernel, 0
                )  # the sandbox is not gone before its last process has been waited for
            self.sandbox.wait()
        while self.kernel and (alive := descendants(os.getpid())):
            for process in alive:
                try:
                    os.kill(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.reap()


def become(words: int, request: dict, limits: Limits | None, user: int, run: Callable) -> None:
    """In the fork: cut what ties it to the grader, then run. Never returns."""
    code = 1
    try:
        detach(words)
        if limits:
            confine(limits)
        if request["sandboxed"] or request["apart"]:
            drop_rights(user)
        run(request)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    except BaseException as error:  # it has no other way to say why there is no kernel
        os.write(words, f"the kernel broke down: {type(error).__name__}: {error}".encode()[:LAST_WORDS])
    finally:
        os._exit(code)


def detach(words: int) -> None:
    """A session of its own, no open files but `words`, and the signals that a fresh Python has."""
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.closerange(3, words)
    os.closerange(words + 1, 4096)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(name, signal.SIG_DFL)


def excess(usage: Usage, seconds: float, limits: Limits) -> str:
    """What of its limits a submission has passed, in words; empty when nothing."""
    if usage.memory > limits.memory:
        return f"it used more than {limits.memory // 2**20} MB of memory"
    if usage.cpu > limits.cpu:
        return f"it used more than {limits.cpu} seconds of processor time"
    if seconds > limits.wall:
        return f"it ran for more than {limits.wall} seconds"
    return ""


def tell(connection: Connection, what: dict[str, Any]) -> None:
    try:
        connection.send_bytes(json.dumps(what).encode())
    except (BrokenPipeError, ConnectionError):  # nobody is there to hear it; the caller ends on its next read
        return
