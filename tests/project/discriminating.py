"""Whether a case can tell right from wrong at all, and not by a hair.

A case discriminates when one of the known mistakes gives a value on that very case which differs from the
reference's by more than ten times the tolerance: a mistake's effect must not drown in rounding. A tensor of
several entries must also vary by as much from entry to entry: a case whose effects are all next to nothing
would accept zeros.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch

from patchbook.checking import Case, Check, comparing
from patchbook.checking.record import Raised
from patchbook.checking.references import value_of

TIMES = 10

# Cases whose right answer is the same number everywhere, which is what they are for.
EVEN = {
    ("attention_from_q_and_k", "one prompt of 1 token"),
    ("logit_diff_from_bias", "2 prompts, a model without LayerNorm"),
    ("missing_logits", "no LayerNorm, float64, 2 prompts"),
}


@contextlib.contextmanager
def ten_times_the_tolerance() -> Iterator[None]:
    """Within it, what the engine calls equal is what differs by less than ten times the tolerance."""
    wider = {"RTOL": TIMES * comparing.RTOL, "ATOL": TIMES * comparing.ATOL}
    with patch.multiple(comparing, **wider):
        yield


def weakness(check: Check, case: Case) -> str:
    """Why a case does not discriminate, in words; "" when it does."""
    want = value_of(check, check.reference, case)
    with ten_times_the_tolerance():
        agrees = check.agrees or comparing.agree
        if is_flat(want) and (check.exercise, case.description) not in EVEN:
            return f"the reference's entries are all alike: {want.flatten()[0]:.3g}"
        gots = (value_of(check, mistake.wrong, case) for mistake in check.mistakes)
        if not any(same_form(got, want) and not agrees(got, want) for got in gots):
            return "no known mistake differs from the reference by ten times the tolerance"
    return ""


def is_flat(value: Any) -> bool:
    """Whether a tensor of several numbers holds the same one everywhere, to ten times the tolerance."""
    if not torch.is_tensor(value) or value.numel() < 2 or not value.is_floating_point():
        return False
    finite = value[value.isfinite()]
    return comparing.agree(finite, finite.mean().expand(finite.shape)) if finite.numel() else True


def same_form(got: Any, want: Any) -> bool:
    """Whether two values may differ in numbers or words alone: a wrong shape, or an error, shows anywhere."""
    if torch.is_tensor(want):
        return torch.is_tensor(got) and got.shape == want.shape
    return isinstance(want, Raised) or not isinstance(got, Raised)
