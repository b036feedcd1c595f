"""CPU seconds until the verdict on a first wrong attempt, for each exercise, the slowest first.

    .venv/bin/python benchmarks/first_wrong_attempt.py [EXERCISE …]

Each exercise runs in a fork of its own, with libraries imported and the shipped models loaded: of its cases,
references and mistakes nothing is known yet. The attempt is a right answer of tests/project/answers whose
result is made wrong in a way that no known mistake gives, so that all of them are tried; its own time counts.
"""

import contextlib
import functools
import io
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")
sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.project

import torch

from patchbook.checking import CheckFailed
from patchbook.checking.prepared import tiny_gpt2
from tests.project.test_checks import RIGHT, TESTS, WRONG


def main() -> None:
    torch.set_num_threads(1)
    tiny_gpt2(0)
    wanted = sys.argv[1:] or list(TESTS)
    rows = sorted(((in_a_fork(functools.partial(seconds, name)), name) for name in wanted), reverse=True)
    for cpu, name in rows:
        print(f"{cpu:6.2f} s  {name}")


def seconds(exercise: str) -> float:
    """CPU seconds of one attempt that is refused."""
    for attempt in attempts(exercise):
        began = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                TESTS[exercise](attempt)
            except CheckFailed:
                return time.process_time() - began
    raise RuntimeError(f"{exercise} refuses no attempt")


def attempts(exercise: str) -> list[Any]:
    """A spoiled right answer; where its result is not what counts, the bank's wrong ones."""
    right = [a.implementation for a in RIGHT if a.exercise == exercise and callable(a.implementation)]
    return [*map(spoils, right[:1]), *(a.implementation for a in WRONG if a.exercise == exercise)]


def spoils(right: Callable) -> Callable:
    return lambda *arguments, **options: spoiled(right(*arguments, **options))


def spoiled(value: Any) -> Any:
    """The value, wrong all over, in the same form."""
    if torch.is_tensor(value):
        return value * 1.37 + torch.rand(value.shape) if value.is_floating_point() else value.flip(-1) + 1
    if isinstance(value, dict):
        return {key: spoiled(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(spoiled, value))
    return value * 1.37 + 0.5 if isinstance(value, float) else value


def in_a_fork(work: Callable[[], float]) -> float:
    """What `work` gives in a process that is forked now, and forgotten."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, repr(work()).encode())
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # it must not go on as a second parent
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("an attempt died: its message is above")
    return float(text)


if __name__ == "__main__":
    main()
