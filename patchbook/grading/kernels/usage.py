"""What the processes under one submission use, read from /proc."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """One process: CPU seconds with those of its dead children; bytes of memory with its tables of pages."""

    pid: int
    parent: int
    cpu: float
    memory: int


@dataclass(frozen=True)
class Usage:
    """What several processes use together.

    memory: bytes beyond what each began with; a forked process shares those pages with the others.
    """

    cpu: float = 0.0
    memory: int = 0
    processes: int = 0


def all_processes() -> list[Process]:
    """Every process that this one's /proc shows; a process that ends meanwhile is left out."""
    return [p for name in os.listdir("/proc") if name.isdigit() and (p := read_process(name))]


def read_process(pid: int | str) -> Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    cpu = sum(map(int, fields[11:15])) / TICK  # utime, stime, and both of children that were waited for
    return Process(int(pid), int(fields[1]), cpu, int(fields[21]) * PAGE + beside(pid))


def beside(pid: int | str) -> int:
    """Bytes of a process's memory that is not resident, and of its tables of pages."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended meanwhile
        return 0
    told = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return sum(int(told[name].split()[0]) * 1024 for name in ("VmSwap", "VmPTE") if name in told)


def waits(processes: Iterable[Process]) -> bool:
    """Whether all of them wait for something else than a processor: none runs, or would if one were free."""
    return not any(state == "R" for process in processes for state in states(process.pid))


def states(pid: int) -> list[str]:
    """The state of each thread, in the letters of proc(5); of a process that has ended, none."""
    found = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{thread}/stat").read_text(encoding="utf-8", errors="replace")
            found.append(text.rpartition(")")[2].split()[0])
    return found


def descendants(root: int) -> list[Process]:
    """The children of `root`, and theirs, without `root` itself."""
    children: dict[int, list[Process]] = {}
    for process in all_processes():
        children.setdefault(process.parent, []).append(process)
    found, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += [process.pid for process in below]
    return found


def total(processes: Iterable[Process], shared: int = 0, held: int = 0) -> Usage:
    """Their sum. shared: bytes that each of them began with.  held: bytes that are no single process's."""
    processes = list(processes)
    return Usage(
        sum(process.cpu for process in processes),
        held + sum(max(0, process.memory - shared) for process in processes),
        len(processes),
    )
