"""Checks of chapter 2: which heads do what in the circuit."""

import os
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks, measured_ioi
from patchbook.checking.diagnosis import Diagnosis
from patchbook.checking.labels import HeadScores, explain_labels
from patchbook.tests.specifications import ioi_predictions as specifications


def _prediction(exercise: str) -> dict[str, Any]:
    """Options of a check on a list of labels; the stub's list holds a question mark."""

    def answer(answer: Any, arguments: dict[str, Any]) -> Any:
        if isinstance(answer, list) and answer == ["?"]:
            raise NotImplementedError(f"exercise {exercise}")
        return answer(*arguments.values()) if callable(answer) else answer

    def explain(arguments: dict[str, Any], labels: Any) -> Diagnosis | None:
        return explain_labels(arguments["measure"](), labels)

    return {"call": answer, "explain": explain}


def _role(kind: str, seed: int) -> Case:
    """Heads of this kind in the model in use, on prompts that the seed chooses."""

    def measure() -> HeadScores:
        return measured_ioi.roles(os.environ.get("PATCHBOOK_MODEL"), seed)[kind]

    return Case("the model in use, on other prompts than yours", lambda: {"measure": measure})


@checks(specifications.my_name_movers, **_prediction("my_name_movers"))
def test_my_name_movers(seed: int) -> Iterator[Case]:
    """The name movers of the model in use."""
    yield _role("name mover", seed)


@checks(specifications.my_s_inhibition_heads, **_prediction("my_s_inhibition_heads"))
def test_my_s_inhibition_heads(seed: int) -> Iterator[Case]:
    """The S-inhibition heads of the model in use."""
    yield _role("S-inhibition head", seed)


@checks(specifications.my_duplicate_token_heads, **_prediction("my_duplicate_token_heads"))
def test_my_duplicate_token_heads(seed: int) -> Iterator[Case]:
    """The duplicate-token heads of the model in use."""
    yield _role("duplicate-token head", seed)
