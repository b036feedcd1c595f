"""Checks of chapter 1: cases that a learner writes."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import induction_cases as mistakes
from patchbook.tests.specifications import induction_cases as specifications


@checks(specifications.cases_for_induction_score, bench=mistakes.cases_for_induction_score)
def test_cases_for_induction_score(seed: int) -> Iterator[Case]:
    """Cases for induction_score, by a learner. There is nothing for the seed to choose."""
    yield Case("your cases", dict)
