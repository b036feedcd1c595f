"""Checks of chapter 4: the layer that knows tomorrow."""

import functools
import os
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks, measured_days
from patchbook.tests.specifications import days_predictions as specifications


def _answer(answer: Any, arguments: dict[str, Any]) -> Any:
    """A learner's layer as it stands; the stub's is a question mark."""
    if answer == "?":
        raise NotImplementedError("exercise tomorrow_layer")
    return answer(*arguments.values()) if callable(answer) else answer


@checks(
    specifications.tomorrow_layer,
    call=_answer,
    explain=lambda arguments, layer: measured_days.wrong_layer(arguments["gains"](), layer),
)
def test_tomorrow_layer(seed: int) -> Iterator[Case]:
    """The layer of the model in use that turns today into tomorrow."""
    gains = functools.partial(measured_days.gains, os.environ.get("PATCHBOOK_MODEL"))
    yield Case("the model in use, 'Today it is …, tomorrow it is'", lambda: {"gains": gains})
