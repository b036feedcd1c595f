"""Checks of chapter 6: cases that a learner writes."""

from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import faithfulness_cases as mistakes
from patchbook.tests.specifications import faithfulness_cases as specifications


@checks(specifications.cases_for_faithfulness, bench=mistakes.cases_for_faithfulness)
def test_cases_for_faithfulness(seed: int) -> Iterator[Case]:
    """Cases for faithfulness, by a learner. There is nothing for the seed to choose."""
    yield Case("your cases", dict)
