"""Checks of chapter 2: cases that a learner writes."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import logit_diff_cases as mistakes
from patchbook.tests.specifications import logit_diff_cases as specifications


@checks(specifications.cases_for_logit_diff, bench=mistakes.cases_for_logit_diff)
def test_cases_for_logit_diff(seed: int) -> Iterator[Case]:
    """Cases for logit_diff, by a learner. There is nothing for the seed to choose."""
    yield Case("your cases", dict)
