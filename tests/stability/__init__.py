"""Checks of chapter 7: would you find it again? One module per group of exercises."""

from patchbook.tests.stability.bootstraps import test_bootstrap_circuits
from patchbook.tests.stability.overlap_cases import test_cases_for_jaccard
from patchbook.tests.stability.overlaps import test_jaccard, test_random_control

__all__ = [
    "test_bootstrap_circuits",
    "test_cases_for_jaccard",
    "test_jaccard",
    "test_random_control",
]
