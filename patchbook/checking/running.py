"""Make a check out of a function that yields cases, and run it where the learner's code is."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from patchbook.checking.check import Case, Check, Mistake
from patchbook.checking.judging import judge
from patchbook.checking.observing import observe
from patchbook.checking.references import prepare


def run(check: Check, implementation: Any, seed: int = 0) -> None:
    """Observe, judge, and print one line. Raises CheckFailed."""
    prepare(check, seed)  # first: what a learner's code edits, wherever it got it, cannot reach these
    record = observe(check, implementation, seed)
    judge(check, record)
    print(f"✓ {check.exercise}: right on all {len(record.outcomes)} cases.")


def checks(reference: Callable, mistakes: Iterable[Mistake] = (), **options) -> Callable:
    """Turn a function that yields a seed's cases into the test function a learner calls.

    >>> @checks(specification.current_attn_detector, mistakes.current_attn_detector)
    ... def test_current_attn_detector(seed): yield Case("…", lambda: dict(cache=…, threshold=0.4))
    >>> test_current_attn_detector(my_function)          # prints one line or raises CheckFailed

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
        def test(implementation: Any, seed: int = 0) -> None:
            run(check, implementation, seed)

        del test.__wrapped__  # help() must show the arguments a learner gives
        test.__annotations__ = {"implementation": Any, "seed": int, "return": None}
        test.check = check
        return test

    return decorate
