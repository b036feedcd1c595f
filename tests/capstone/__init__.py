"""Checks of the capstone: a behaviour of the learner's own, as a claim that can be tested."""

from patchbook.tests.capstone.declarations import (
    test_my_circuit,
    test_my_claims,
    test_my_task,
    test_my_verdicts,
)

__all__ = ["test_my_circuit", "test_my_claims", "test_my_task", "test_my_verdicts"]
