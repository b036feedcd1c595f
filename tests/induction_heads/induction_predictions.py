"""Checks of chapter 1: which heads are induction heads."""

import functools
import os
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks, measured
from patchbook.checking.diagnosis import Diagnosis
from patchbook.checking.labels import explain_labels
from patchbook.tests.specifications import induction_predictions as specifications


def _answer(answer: Any, arguments: dict[str, Any]) -> Any:
    """A learner's list as it stands; the stub's holds a question mark."""
    if isinstance(answer, list) and answer == ["?"]:
        raise NotImplementedError("exercise my_induction_heads")
    return answer(*arguments.values()) if callable(answer) else answer


def _wrong_heads(arguments: dict[str, Any], labels: Any) -> Diagnosis | None:
    return explain_labels(arguments["measure"](), labels)


@checks(specifications.my_induction_heads, call=_answer, explain=_wrong_heads)
def test_my_induction_heads(seed: int) -> Iterator[Case]:
    """The induction heads of the model in use."""
    measure = functools.partial(measured.induction_heads, os.environ.get("PATCHBOOK_MODEL"), seed)
    yield Case("the model in use, on random repeated tokens", lambda: {"measure": measure})
