"""Checks of chapter 3: cases that a learner writes."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import capital_cases as mistakes
from patchbook.tests.specifications import capital_cases as specifications


@checks(specifications.cases_for_capitalisation_type, bench=mistakes.cases_for_capitalisation_type)
def test_cases_for_capitalisation_type(seed: int) -> Iterator[Case]:
    """Cases for capitalisation_type, by a learner. There is nothing for the seed to choose."""
    yield Case("your cases", dict)
