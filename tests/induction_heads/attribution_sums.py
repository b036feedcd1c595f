"""Checks of chapter 1: everything that adds to the logit of the next token."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.tests.induction_heads.attribution import READY_MADE, prompts_and_caches
from patchbook.tests.mistakes import attribution_sums as mistakes
from patchbook.tests.specifications import attribution_sums as specifications


def _parts(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """A number of shape (1,) is as good as one of shape ()."""
    parts = implementation(*arguments.values())
    if not isinstance(parts, dict):
        return parts
    return {n: p.reshape(()) if torch.is_tensor(p) and p.shape == (1,) else p for n, p in parts.items()}


@checks(
    specifications.full_logit_attribution,
    mistakes.full_logit_attribution,
    call=_parts,
    **READY_MADE,
)
def test_full_logit_attribution(seed: int) -> Iterator[Case]:
    """All parts of a logit, which add up to it."""
    yield from prompts_and_caches(seed)
