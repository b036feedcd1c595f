"""Keeps a desk at work: starts it, wakes it when something was handed in, replaces one that has died."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import asdict

from patchbook.grading.serving.desk import Task

DESK = "patchbook.grading.serving.desk"
PAUSES = (0, 1, 2, 5, 10, 30)  # seconds before it is started again, while it does not come to work


class Keeper:
    """state: "starting", "ready", or why it stands still.  told: called after each news from the desk."""

    def __init__(self, task: Task, told: Callable[[], None]):
        self.task, self.told, self.state = task, told, "starting"
        self.desk: Process | None = None

    async def keep(self) -> None:
        """Until it is cancelled."""
        failures = 0
        try:
            while True:
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                try:
                    failures = 0 if await self.one_desk() else failures + 1
                except OSError as error:  # the machine has no room for another process
                    failures, self.state = failures + 1, str(error)
        finally:
            if self.desk is not None and self.desk.returncode is None:
                self.desk.stdin.close()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.desk.wait(), 5)

    async def one_desk(self) -> bool:
        """One desk from its start to its end; returns whether it came to work."""
        self.desk = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", DESK, stdin=PIPE, stdout=PIPE
        )
        self.desk.stdin.write(json.dumps(asdict(self.task)).encode() + b"\n")
        came, why = False, ""
        async for line in self.desk.stdout:
            news = json.loads(line)
            why = news.get("stopped", why)
            if news.get("ready"):
                came, self.state = True, "ready"
            self.told()
        await self.desk.wait()
        self.state = why or "the grader died, and is started again"
        self.told()
        return came

    def wake(self) -> None:
        """Something was handed in."""
        if self.desk is not None and self.desk.returncode is None and not self.desk.stdin.is_closing():
            self.desk.stdin.write(b"\n")
