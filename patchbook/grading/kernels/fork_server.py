"""A server that does its slow preparations once and answers every caller with a fork of itself.

    request(path)           the line that says what to prepare
    serve(path, handle)     the server's loop: each connection is handled by a new child process
    Server(module)          starts one, a module of ours, and ends it with this process

Messages are bytes (JSON, safetensors), never pickle.
"""

import contextlib
import ctypes
import gc
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

READY = "ready"
_PR_SET_PDEATHSIG = 1


def request(path: str) -> str:
    """The line that this server's maker writes. Where the maker is gone before it did, this process ends."""
    line = sys.stdin.readline()
    if not line:
        shutil.rmtree(Path(path).parent)
        sys.exit()
    return line


def serve(path: str, handle: Callable[[Connection], None], orphans: bool = False) -> None:
    """Listen on the Unix socket `path` until standard input closes: whoever started this is then gone.

    The socket's folder, which a `Server` made for it, goes with it: its maker may have been killed.
    orphans: a fork may live on after the server, to tidy up; it ends when its caller hangs up.
    """
    listener = Listener(path, "AF_UNIX", backlog=128)
    gc.collect()
    gc.freeze()  # the collector leaves what is prepared alone, so that forks share its pages
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children need no farewell
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader, which then hangs up
    with contextlib.suppress(BrokenPipeError):  # its maker is gone already
        os.write(1, f"{READY}\n".encode())
    door = listener._listener._socket
    while True:
        awake, _, _ = select.select([door, sys.stdin], [], [])
        if sys.stdin in awake and not os.read(0, 1):
            listener.close()
            return shutil.rmtree(Path(path).parent)
        if door in awake:
            _fork(listener, handle, orphans)


def _fork(listener: Listener, handle: Callable[[Connection], None], orphans: bool) -> None:
    with listener.accept() as connection:
        if os.fork():
            return
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if not orphans:
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            listener._listener._socket.close()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the server alone waits for its maker's end
            handle(connection)
        finally:
            os._exit(0)


class Server:
    """A running server. `connect()` gives a connection to a fork of it."""

    def __init__(self, module: str, environment: Mapping[str, str], request: str = ""):
        """request: one line that the module reads. (Arguments would show in the fork's command line.)"""
        self.folder = tempfile.TemporaryDirectory(prefix="patchbook-server-")
        self.path = str(Path(self.folder.name) / "socket")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
            text=True,
        )
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline().strip() != READY:
            self.close()
            raise RuntimeError(f"{module} did not start; its last words are above")

    def connect(self) -> Connection:
        return Client(self.path, "AF_UNIX")

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()
