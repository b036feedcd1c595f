"""Checks of chapter 7: would you find it again? One module per group of exercises."""

from patchbook.tests.stability.bootstraps import test_bootstrap_circuits
from patchbook.tests.stability.overlaps import test_jaccard, test_random_control

__all__ = ["test_bootstrap_circuits", "test_jaccard", "test_random_control"]
