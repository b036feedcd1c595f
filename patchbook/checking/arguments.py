"""A case's arguments, made afresh for every call: what one call is given is out of every other's reach.

A case may well hand out a list or a tensor that it keeps. It is copied here, in whatever it stands; what
cannot be copied cheaply, models and their tokenizers, a case has to make each time. A test holds all to it.
"""

import copy
import functools
from typing import Any

import torch
from torch import Tensor, nn
from transformer_lens import ActivationCache

from patchbook.checking.check import Case
from patchbook.checking.parts import attributes, has_attributes

_made: dict[Case, dict[str, Any]] = {}  # arguments made ahead of time, each for one run


def make_arguments(case: Case) -> None:
    """Make a case's arguments now. The next run of the case takes them; the one after makes its own."""
    _made[case] = fresh(case)


def take_arguments(case: Case) -> dict[str, Any]:
    """Those that were made ahead of time, or fresh ones."""
    return _made.pop(case, None) or fresh(case)


def fresh(case: Case) -> dict[str, Any]:
    """The arguments of one call, made without autograd, as every notebook works."""
    with torch.no_grad():
        return apart(case.arguments(), {})


def apart(thing: Any, memo: dict[int, Any]) -> Any:
    """A copy whose containers, tensors and objects are its own. What shares memory in it still does.

    memo: what was copied already, by id, as copy.deepcopy keeps it.
    """
    if id(thing) not in memo:
        memo[id(thing)] = _copied(thing, memo)
        memo.setdefault("kept", []).append(thing)  # an id is no name once its object is gone
    return memo[id(thing)]


def _copied(thing: Any, memo: dict) -> Any:
    kind = type(thing)
    if kind is Tensor:
        return copy.deepcopy(thing.detach(), memo).requires_grad_(thing.requires_grad)
    if kind in (list, tuple, set):
        return kind(apart(value, memo) for value in thing)
    if kind is dict:
        return {key: apart(value, memo) for key, value in thing.items()}
    if kind is functools.partial:
        return functools.partial(thing.func, *apart(thing.args, memo), **apart(thing.keywords, memo))
    if isinstance(thing, nn.Module) or not (has_attributes(thing) or kind is ActivationCache):
        return thing
    twin = copy.copy(thing)
    for name, value in attributes(thing).items():
        object.__setattr__(twin, name, apart(value, memo))
    return twin
