"""A jupyter_client kernel provisioner whose kernels are forks of a warm process.

Registered as "patchbook-warm" in pyproject.toml; the kernel spec "patchbook" names it. nbclient, nbgrader
and the book build use it like any other. Interrupt, restart, timeout and death are those of a local kernel.
"""

import asyncio
import atexit
import functools
import json
import os
import signal
import threading
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Bool, Dict, List, Unicode

from patchbook.grading.kernels.fork_server import Server
from patchbook.grading.kernels.sandbox import HOME, MEETING

FAREWELL = 300  # seconds that an overseer may take to end what a kernel started
GONE = -signal.SIGKILL  # the exit code of a kernel whose overseer cannot be asked any more
_starting = threading.Lock()


class WarmProvisioner(LocalProvisioner):
    """Launches a kernel by asking a warm process for a fork.

    server: the warm process's socket; empty means one that this process starts and shares among its kernels.
    sandboxed: inside bubblewrap.  apart: without walls, as a user of its own; its maker must be root.
    limits: of `patchbook.grading.kernels.sandbox.Limits`; empty means none.
    figures: with the ready-made functions that cells which only show may use.
    references: exercises whose reference the kernel may fall back on, where the server withholds them.
    """

    server = Unicode("").tag(config=True)
    sandboxed = Bool(False).tag(config=True)
    apart = Bool(False).tag(config=True)
    limits = Dict().tag(config=True)
    figures = Bool(False).tag(config=True)
    references = List().tag(config=True)

    connection: Connection | None = None
    state: dict[str, Any] = {"code": None, "why": "", "cpu": 0.0, "idle": 0.0, "memory": 0}  # noqa: RUF012

    @property
    def has_process(self) -> bool:
        return self.connection is not None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        path = self.server or await asyncio.to_thread(lambda: own_server().path)
        self.hang_up()
        self.connection = await asyncio.to_thread(Client, path, "AF_UNIX")
        tell(self.connection, self.request(cmd, options))
        answer = await asyncio.to_thread(hear, self.connection)
        if "error" in answer:
            self.hang_up()
            raise RuntimeError(f"no kernel: {answer['error']}")
        self.pid, self.pgid, self.state = answer["pid"], None, dict(WarmProvisioner.state)
        if answer["meeting"]:
            self.connection_info = self.connection_info | {"ip": self.meet(answer["meeting"])}
        return self.connection_info

    def request(self, cmd: list[str], options: dict[str, Any]) -> dict[str, Any]:
        """What the overseer needs to know. In a sandbox the kernel has folders and addresses of its own."""
        asked = {
            "sandboxed": self.sandboxed,
            "apart": self.apart,
            "limits": dict(self.limits),
            "figures": self.figures,
            "references": list(self.references),
            "environment": dict(options.get("env") or os.environ),
            "arguments": [argument for argument in cmd if argument.startswith("--")],
        }
        file = cmd[cmd.index("-f") + 1]
        if not self.sandboxed:
            return asked | {
                "file": file,
                "connection": None,
                "folder": os.fspath(options.get("cwd") or os.getcwd()),
            }
        info = self.connection_info | {"ip": f"{MEETING}/s", "key": self.connection_info["key"].decode()}
        return asked | {"file": f"{MEETING}/kernel.json", "connection": info, "folder": HOME}

    def meet(self, meeting: str) -> str:
        """The sockets' address outside: a link beside the connection file, the same after a restart."""
        link = Path(f"{self.parent.connection_file}.d")
        link.unlink(missing_ok=True)
        link.symlink_to(meeting)
        return str(link / "s")

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The kernel's exit code (None while it lives), why it ended, what it used: see Overseer.state."""
        if self.connection is not None:
            try:
                tell(self.connection, question)
                answer = hear(self.connection)
                self.state |= {"code": GONE, "why": answer["error"]} if "error" in answer else answer
            except (EOFError, OSError):  # the overseer is gone, and the kernel with it
                self.state = self.state | {"code": GONE}
        return self.state

    async def poll(self) -> int | None:
        return self.ask({})["code"] if self.connection is not None else 0

    async def wait(self) -> int | None:
        while (code := await self.poll()) is None:
            await asyncio.sleep(0.02)
        self.hang_up()
        return code

    async def send_signal(self, signum: int) -> None:
        self.ask({"signal": int(signum)})

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart=restart)
        self.hang_up()
        if not restart and self.parent is not None:
            Path(f"{self.parent.connection_file}.d").unlink(missing_ok=True)

    def hang_up(self) -> None:
        """Returns when every process of the kernel is gone: the overseer ends them, then itself."""
        if self.connection is None:
            return
        try:
            tell(self.connection, {"end": True})
            while self.connection.poll(FAREWELL):
                hear(self.connection)
        except (EOFError, OSError):  # as it should be
            pass
        self.connection.close()
        self.connection = None


def tell(connection: Connection, what: dict[str, Any]) -> None:
    connection.send_bytes(json.dumps(what).encode())


def hear(connection: Connection) -> dict[str, Any]:
    return json.loads(connection.recv_bytes())


def own_server() -> Server:
    """The warm process that all kernels of this process share; it ends with this process."""
    with _starting:  # kernels may be asked for by several threads
        return _own_server()


@functools.cache
def _own_server() -> Server:
    server = Server("patchbook.grading.kernels.warm_process", os.environ, "{}")
    atexit.register(server.close)
    return server
