"""The toy chapter's checks: real ones, judged outside like those of the course."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import toy as mistakes
from patchbook.tests.mistakes import toy_cases
from patchbook.tests.specifications import toy as specifications


@checks(specifications.double, mistakes.double)
def test_double(seed: int) -> Iterator[Case]:
    """Twice a number."""
    yield Case("a whole number", lambda: {"x": seed + 2})
    yield Case("a number below 0", lambda: {"x": -seed - 3})


@checks(specifications.shout)
def test_shout(seed: int) -> Iterator[Case]:
    """A text in capitals."""
    yield Case("a text with an accent", lambda: {"text": f"hé{seed}"})


@checks(specifications.cases_for_double, bench=toy_cases.cases_for_double)
def test_cases_for_double(seed: int) -> Iterator[Case]:
    """Cases for double, by a learner."""
    yield Case("your cases", dict)


def _value(implementation: object, arguments: dict) -> object:
    """The prediction itself, or the list that the reference makes; the stub's holds a question mark."""
    if implementation == ["?"]:
        raise NotImplementedError("exercise my_guess")
    return implementation() if callable(implementation) else implementation


@checks(specifications.my_guess, call=_value)
def test_my_guess(seed: int) -> Iterator[Case]:
    """A prediction: a list of labels."""
    yield Case("your list", dict)
