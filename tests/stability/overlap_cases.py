"""Checks of chapter 7: cases that a learner writes."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import overlap_cases as mistakes
from patchbook.tests.specifications import overlap_cases as specifications


@checks(specifications.cases_for_jaccard, bench=mistakes.cases_for_jaccard)
def test_cases_for_jaccard(seed: int) -> Iterator[Case]:
    """Cases for jaccard, by a learner. There is nothing for the seed to choose."""
    yield Case("your cases", dict)
