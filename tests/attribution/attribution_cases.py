"""Checks of chapter 5: cases that a learner writes."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import attribution_cases as mistakes
from patchbook.tests.specifications import attribution_cases as specifications


@checks(specifications.cases_for_attribution, bench=mistakes.cases_for_attribution)
def test_cases_for_attribution(seed: int) -> Iterator[Case]:
    """Cases for attribution, by a learner. There is nothing for the seed to choose."""
    yield Case("your cases", dict)
