"""Bring a value into the form its contract asks for, wherever that loses nothing.

A number is a number, whether Python, numpy or torch holds it; an index tuple is as good as an index list.
What would change a value, or only perhaps mean the same, is left as it is: then the contract speaks.
"""

import types
import typing
from typing import Any

import torch
import typeguard
from torch import Tensor

from patchbook.checking.contract import is_array
from patchbook.checking.record import Array


def fit(value: Any, wanted: Any) -> Any:
    """`value` as a `wanted` where it is as good as one, else unchanged.

    >>> fit(torch.tensor(2.5), float), fit((0, 1), list[int]), fit(0.5, Float[Tensor, ""])
    (2.5, [0, 1], tensor(0.5000, dtype=torch.float64))
    """
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return _one_of(value, inner)
    if wanted is Tensor or is_array(wanted):
        return _tensor(value, wanted)
    if wanted in (int, float, bool):
        return _number(value, wanted)
    if (origin or wanted) in (list, tuple) and isinstance(value, list | tuple):
        kinds = _kinds(origin or wanted, inner, len(value))
        return (origin or wanted)(fit(v, kind) for v, kind in zip(value, kinds, strict=True))
    if origin is dict and isinstance(value, dict):
        return {k: fit(v, inner[1]) for k, v in value.items()}  # a tensor as a key is found by nobody
    return value


def _kinds(kind: type, inner: tuple, length: int) -> list[Any]:
    """The type of each element: of list[int], tuple[int, float] and tuple[str, ...]."""
    if kind is tuple and len(inner) == length and Ellipsis not in inner:
        return list(inner)
    return [inner[0] if inner and (kind is list or Ellipsis in inner) else Any] * length


def _one_of(value: Any, kinds: tuple) -> Any:
    """As it is where it is one of them, else as the first kind that it can be brought to."""
    forms = (form for kind in kinds for form in (fit(value, kind),) if _is(form, kind))
    return value if any(_is(value, kind) for kind in kinds) else next(forms, value)


def _is(value: Any, kind: Any) -> bool:
    try:
        typeguard.check_type(value, kind)
    except typeguard.TypeCheckError:
        return False
    return True


def _tensor(value: Any, wanted: Any) -> Any:
    if isinstance(value, Array):
        return value.values
    if isinstance(value, int | float) and not isinstance(value, bool):
        real = isinstance(value, float) or wanted.__name__.startswith("Float")
        return torch.tensor(value, dtype=torch.float64 if real else torch.int64)
    return value


def _number(value: Any, wanted: type) -> Any:
    values = value.values if isinstance(value, Array) else value
    if not torch.is_tensor(values) or values.numel() != 1:
        return value
    number = values.item()
    return number if isinstance(number, wanted) or (wanted is float and type(number) is int) else value
