"""Checks of the capstone: what a learner declares is measured again. Seeds choose nothing."""

from collections.abc import Callable, Iterator
from typing import Any

from patchbook.checking import Case, checks, measured_declarations
from patchbook.tests.specifications import declarations as specifications


def _declared(exercise: str, wrong: str) -> dict[str, Callable]:
    """A learner's value as it stands; the stub's is a question mark. wrong: what looks at it."""

    def answer(answer: Any, arguments: dict[str, Any]) -> Any:
        if isinstance(answer, str) and answer == "?":
            raise NotImplementedError(f"exercise {exercise}")
        return answer() if callable(answer) else answer

    def explain(arguments: dict[str, Any], value: Any) -> Any:
        return getattr(measured_declarations, wrong)(value)

    return {"call": answer, "explain": explain}


@checks(specifications.my_verdicts, **_declared("my_verdicts", "wrong_verdicts"))
def test_my_verdicts(seed: int) -> Iterator[Case]:
    """Which of the two worked examples' claims hold."""
    yield Case("the two worked examples", dict)


@checks(specifications.my_task, **_declared("my_task", "wrong_task"))
def test_my_task(seed: int) -> Iterator[Case]:
    """A behaviour of the learner's own: prompts, corrupted ones, answers, and what may falsify a claim."""
    yield Case("your task", dict)


@checks(specifications.my_circuit, **_declared("my_circuit", "wrong_circuit"))
def test_my_circuit(seed: int) -> Iterator[Case]:
    """Edges that do more of it than chance."""
    yield Case("your circuit", dict)


@checks(specifications.my_claims, **_declared("my_claims", "wrong_claims"))
def test_my_claims(seed: int) -> Iterator[Case]:
    """Figures that are so when they are measured again, and a verdict that does not go beyond them."""
    yield Case("your claims", dict)
