"""Make a check out of a function that yields cases, and run it where the learner's code is.

What is not written yet is no mistake: in a notebook its check says so in one line, and "Run all" goes on.
Only the visible check does. A hidden test, which has a seed of its own, raises, whoever runs it.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from patchbook import attempts
from patchbook.checking.calling import innermost
from patchbook.checking.check import Case, Check, Mistake
from patchbook.checking.errors import not_yet
from patchbook.checking.judging import judge, passed
from patchbook.checking.messages import CheckFailed
from patchbook.checking.observing import observe
from patchbook.checking.record import Record
from patchbook.checking.references import prepare
from patchbook.checking.standing import note, standing

VISIBLE = 0  # the seed of the check that a learner sees


def run(check: Check, implementation: Any, seed: int = VISIBLE) -> None:
    """Observe, judge, and print a line. Raises CheckFailed, but not for what is unwritten; see above."""
    prepare(check, seed)  # first: what a learner's code edits, wherever it got it, cannot reach these
    record = observe(check, implementation, seed)
    failed = _failure(check, record)
    if seed == VISIBLE:
        note(check.exercise, right=failed is None)
        answer = getattr(innermost(implementation), "__code__", implementation)
        attempts.note(check.exercise, failed.diagnosis if failed else "", answer)
    if failed is None:
        print(passed(check, record))
        if seed == VISIBLE and (far := standing(check.exercise)):
            print(f"  {far}")
    elif seed == VISIBLE and not_yet(failed):
        print(f"○ {check.exercise} {failed.what.removeprefix('it ')}")
    else:
        raise failed


def _failure(check: Check, record: Record) -> CheckFailed | None:
    try:
        judge(check, record)
    except CheckFailed as failed:
        return failed
    return None


def checks(reference: Callable, mistakes: Iterable[Mistake] = (), **options) -> Callable:
    """Turn a function that yields a seed's cases into the test function a learner calls.

    >>> @checks(specification.current_attn_detector, mistakes.current_attn_detector)
    ... def test_current_attn_detector(seed): yield Case("…", lambda: dict(cache=…, threshold=0.4))
    >>> test_current_attn_detector(my_function)          # prints, or raises CheckFailed if it is wrong

    The test keeps its Check as `.check`.
    """

    def decorate(cases: Callable[[int], Iterable[Case]]) -> Callable:
        check = Check(
            exercise=cases.__name__.removeprefix("test_"),
            title=inspect.getdoc(cases) or "",
            cases=functools.lru_cache(maxsize=8)(lambda seed: tuple(cases(seed))),
            reference=reference,
            mistakes=tuple(mistakes),
            **options,
        )

        @functools.wraps(cases)
        def test(implementation: Any, seed: int = VISIBLE) -> None:
            run(check, implementation, seed)

        del test.__wrapped__  # help() must show the arguments a learner gives
        test.__annotations__ = {"implementation": Any, "seed": int, "return": None}
        test.check = check
        return test

    return decorate
