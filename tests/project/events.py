"""Tests wait for what happens, never for seconds: a machine may be as slow and as busy as it likes."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

NEVER = 1800  # seconds: an event that has not come by then never will; no test that passes depends on it
Found = TypeVar("Found")


def until(ready: Callable[[], Found]) -> Found:
    """What `ready` returns as soon as it is true. Raises TimeoutError."""
    end = time.monotonic() + NEVER
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(0.02)
    raise TimeoutError(f"{ready} has not become true in {NEVER} seconds")


@contextmanager
def running(*command: object, **options) -> Iterator[subprocess.Popen]:
    """A command, as long as the block lasts."""
    process = subprocess.Popen([str(word) for word in command], text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
