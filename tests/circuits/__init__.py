"""Checks of chapter 6: is it the circuit? One module per group of exercises."""

from patchbook.tests.circuits.circuit_predictions import SHARES, test_random_cpr
from patchbook.tests.circuits.circuit_runs import (
    test_head_output,
    test_run_circuit,
    test_stand_ins,
    test_what_is_heard,
)
from patchbook.tests.circuits.circuit_scores import (
    test_circuit_from_scores,
    test_cmd,
    test_cpr,
    test_faithfulness,
)
from patchbook.tests.circuits.circuit_search import test_acdc, test_completeness, test_minimality
from patchbook.tests.circuits.faithfulness_cases import test_cases_for_faithfulness

__all__ = [
    "SHARES",
    "test_acdc",
    "test_cases_for_faithfulness",
    "test_circuit_from_scores",
    "test_cmd",
    "test_completeness",
    "test_cpr",
    "test_faithfulness",
    "test_head_output",
    "test_minimality",
    "test_random_cpr",
    "test_run_circuit",
    "test_stand_ins",
    "test_what_is_heard",
]
