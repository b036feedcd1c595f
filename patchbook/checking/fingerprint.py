"""What a wrong answer computes, as a few numbers, so that answers which compute the same can be put together.

Made of a Record, for the answers that no known mistake and no usual way explains. Answers whose values are
within the tolerance of each other have fingerprints within theirs, whatever their texts look like.
"""

import hashlib
import re
from typing import Any

import torch
from transformer_lens import FactoredMatrix

from patchbook.checking.check import Check
from patchbook.checking.comparing import ATOL, RTOL, is_labels
from patchbook.checking.judging import result_of
from patchbook.checking.record import Array, Outcome, Raised, Record

UNFORESEEN = frozenset({"first-difference", "contract", "raised", "wrong-error", "no-error"})  # diagnoses
SUMS = 3  # weighted sums of a case's numbers: two answers that differ in any place differ in one of them
LONGEST = 200  # characters of an error's message


def fingerprint(check: Check, record: Record) -> list[list[Any]]:
    """The seed, then for each case [digest, tolerance, sum, …]: what is exact, how near sums must be, sums.

    A case without floats is its digest alone. See `patchbook.grading.report.groups.same`.
    """
    pairs = zip(check.cases(record.seed), record.outcomes, strict=True)
    return [
        [str(record.seed)],
        *(_of(result_of(check, case, outcome).got, outcome) for case, outcome in pairs),
    ]


def _of(got: Any, outcome: Outcome) -> list[Any]:
    exact: list[str] = []
    floats: list[torch.Tensor] = []
    if outcome.error:
        exact += [str(outcome.error["kinds"][0]), _without_addresses(str(outcome.error["message"]))]
    else:
        _take(got, exact, floats)
    numbers = torch.cat(floats) if floats else torch.empty(0, dtype=torch.float64)
    if not numbers.isfinite().all():
        exact.append(
            _digest((numbers.isnan() + 2 * numbers.isposinf() + 3 * numbers.isneginf()).numpy().tobytes())
        )
        numbers = numbers.nan_to_num(0, 0, 0)
    return [_digest("\n".join(exact).encode()), *(_sketch(numbers) if len(numbers) else ())]


def _sketch(numbers: torch.Tensor) -> list[float]:
    """The tolerance, and the sums. Weights are the same in every process."""
    drawn = torch.Generator().manual_seed(len(numbers))
    weights = 2 * torch.rand(SUMS, len(numbers), generator=drawn, dtype=torch.float64) - 1
    within = RTOL * numbers.abs().max().item() + ATOL
    sums = weights @ numbers / len(numbers) ** 0.5
    return [float(f"{value:.7g}") for value in (within, *sums.tolist())]


def _take(value: Any, exact: list[str], floats: list[torch.Tensor]) -> None:
    """Put what is exact of a value into one list, as text, and its floats into the other."""
    if isinstance(value, FactoredMatrix):
        value = value.AB
    if isinstance(value, Array):
        value = value.values
    if torch.is_tensor(value):
        value = torch.view_as_real(value) if value.is_complex() else value
        whole = not value.is_floating_point()
        exact.append(f"{'whole' if whole else 'float'} {tuple(value.shape)}")
        if whole:
            exact.append(_digest(value.contiguous().numpy().astype("int64").tobytes()))
        else:
            floats.append(value.double().flatten())
    elif isinstance(value, float):
        exact.append("float")
        floats.append(torch.tensor([value], dtype=torch.float64))
    elif isinstance(value, dict):
        exact.append(f"dict of {len(value)}")
        for key in sorted(value, key=repr):
            exact.append(repr(key))
            _take(value[key], exact, floats)
    elif isinstance(value, list | tuple):
        exact.append(f"{type(value).__name__} of {len(value)}")
        for each in sorted(value) if is_labels(value) else value:
            _take(each, exact, floats)
    else:
        exact.append(value.kind if isinstance(value, Raised) else repr(value))


def _without_addresses(message: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "", message)[:LONGEST]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
