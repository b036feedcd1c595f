"""Checks of chapter 4: cases that a learner writes."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import successor_cases as mistakes
from patchbook.tests.specifications import successor_cases as specifications


@checks(specifications.cases_for_successor, bench=mistakes.cases_for_successor)
def test_cases_for_successor(seed: int) -> Iterator[Case]:
    """Cases for successor, by a learner. There is nothing for the seed to choose."""
    yield Case("your cases", dict)
