"""Answers as learners write them: right ones in several styles, wrong ones with the diagnosis they must get.

The wrong ones are written anew here, not taken from `tests/mistakes`: a diagnosis that only recognised
its own row would prove nothing.
"""

from collections.abc import Callable
from typing import NamedTuple


class Answer(NamedTuple):
    """One learner's function (or value, for a Predict item) and the diagnosis it must get ("" when right)."""

    exercise: str
    name: str
    implementation: object
    diagnosis: str


class Bank(list):
    """The answers to one group of exercises."""

    def right(self, exercise: str) -> Callable:
        return self.wrong(exercise, "")

    def wrong(self, exercise: str, diagnosis: str) -> Callable:
        def add(implementation):
            self.append(Answer(exercise, implementation.__name__, implementation, diagnosis))
            return implementation

        return add
