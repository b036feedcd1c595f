"""Compare a learner's value with the reference's, and find the first place where they differ."""

import re
from typing import Any

import torch
from transformer_lens import FactoredMatrix

from patchbook.checking.messages import listing, number
from patchbook.checking.record import Raised

RTOL, ATOL = 1e-4, 1e-5


def agree(got: Any, want: Any) -> bool:
    """Whether two values are the same: tensors and floats to 1e-4 relative, lists of labels in any order."""
    if isinstance(want, Raised):
        return isinstance(got, Raised) and want.kind in got.kinds
    if isinstance(want, FactoredMatrix):
        return isinstance(got, FactoredMatrix) and agree(got.AB, want.AB)
    if torch.is_tensor(want):
        return torch.is_tensor(got) and got.shape == want.shape and _close(got, want)
    if isinstance(want, bool | str | None):
        return got == want
    if isinstance(want, int | float):
        return isinstance(got, int | float) and _close(torch.tensor(got), torch.tensor(want))
    if isinstance(want, dict):
        return (
            isinstance(got, dict) and got.keys() == want.keys() and all(agree(got[k], want[k]) for k in want)
        )
    if is_labels(want):
        return _texts(got) and sorted(got) == sorted(want)
    return type(got) is type(want) and len(got) == len(want) and all(map(agree, got, want))


def _close(got: torch.Tensor, want: torch.Tensor) -> bool:
    got, want = got.detach().double(), want.detach().double()
    finite = want[want.isfinite()]
    scale = max(1.0, finite.abs().max().item()) if finite.numel() else 1.0
    return torch.allclose(got, want, rtol=RTOL, atol=ATOL * scale, equal_nan=True)


_LABEL = re.compile(r"L\d+H\d+")


def is_labels(value: Any) -> bool:
    """A list of head labels, such as "L1H4": their order carries nothing."""
    return isinstance(value, list) and all(isinstance(v, str) and _LABEL.fullmatch(v) for v in value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def first_difference(got: Any, want: Any, axes: tuple[str, ...] = ()) -> str:
    """Where two values of the same kind differ first, in the words of the axes."""
    if isinstance(want, FactoredMatrix):
        return first_difference(got.AB, want.AB, ("row", "column"))
    if torch.is_tensor(want) and torch.is_tensor(got):
        return _first_element(got, want, axes)
    if isinstance(want, dict) and isinstance(got, dict):
        return _first_key(got, want)
    if is_labels(want) and _texts(got):
        return _labels(got, want)
    if all(isinstance(v, list | tuple) for v in (got, want)):
        return _first_item(got, want)
    return f"want {number(want)}, got {number(got)}"


def _first_element(got: torch.Tensor, want: torch.Tensor, axes: tuple[str, ...]) -> str:
    if got.shape != want.shape:
        return f"want shape {tuple(want.shape)}, got {tuple(got.shape)}"
    scale = ATOL * max(1.0, want.double().abs().max().item())
    wrong = ~torch.isclose(got.double(), want.double(), rtol=RTOL, atol=scale, equal_nan=True)
    index = tuple(wrong.nonzero()[0].tolist()) if wrong.dim() else ()
    names = axes if len(axes) == len(index) else [f"axis {i}" for i in range(len(index))]
    place = ", ".join(f"{name} {i}" for name, i in zip(names, index, strict=True))
    share = f"; {int(wrong.sum())} of {wrong.numel()} values differ" if wrong.numel() > 1 else ""
    at = f"at {place}: " if place else ""
    return f"{at}want {number(want[index])}, got {number(got[index])}{share}"


def _first_key(got: dict, want: dict) -> str:
    missing = [k for k in want if k not in got]
    extra = [k for k in got if k not in want]
    if missing or extra:
        return f"keys missing: {listing(missing)}; keys too many: {listing(extra)}"
    key = next(k for k in want if not agree(got[k], want[k]))
    return f"at key {key!r}: {first_difference(got[key], want[key])}"


def _first_item(got: list | tuple, want: list | tuple) -> str:
    if len(got) != len(want):
        return f"want {_items(want)}, got {_items(got)}: {number(want)}, {number(got)}"
    index = next(i for i, pair in enumerate(zip(got, want, strict=True)) if not agree(*pair))
    return f"at index {index}: {first_difference(got[index], want[index])}"


def _items(values: list | tuple) -> str:
    return f"{len(values)} item{'' if len(values) == 1 else 's'}"


def _labels(got: list[str], want: list[str]) -> str:
    missing = sorted(set(want) - set(got))
    extra = sorted(set(got) - set(want))
    twice = sorted({label for label in got if got.count(label) > want.count(label) > 0})
    parts = [("missing", missing), ("too many", extra), ("listed twice", twice)]
    return "; ".join(f"{name}: {listing(labels)}" for name, labels in parts if labels)
