"""Checks of chapter 7: would you find it again? One module per group of exercises."""

from patchbook.tests.stability.bootstraps import test_bootstrap_circuits
from patchbook.tests.stability.claim_tables import test_claim_table
from patchbook.tests.stability.dissociations import test_double_dissociation
from patchbook.tests.stability.matched_roles import test_in_roles
from patchbook.tests.stability.overlap_cases import test_cases_for_jaccard
from patchbook.tests.stability.overlaps import test_jaccard, test_p_value, test_random_control

__all__ = [
    "test_bootstrap_circuits",
    "test_cases_for_jaccard",
    "test_claim_table",
    "test_double_dissociation",
    "test_in_roles",
    "test_jaccard",
    "test_p_value",
    "test_random_control",
]
