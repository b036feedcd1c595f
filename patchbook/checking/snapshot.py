"""The arguments as they were before a call, to tell afterwards what a learner's function did to them."""

from typing import Any

import torch
from torch import Tensor, nn
from transformer_lens import ActivationCache, TransformerBridge

from patchbook.checking.messages import listing, number
from patchbook.checking.parts import Again, parts


class Snapshot:
    """Every tensor, list, dict, set, object, weight and hook within a case's arguments.

    allowed: names of arguments that may be edited.
    """

    def __init__(self, arguments: dict[str, Any], allowed: frozenset[str] = frozenset()):
        self.watched = {name: value for name, value in arguments.items() if name not in allowed}
        self.states = {name: _state(part) for name, part in parts(self.watched)}
        self.modules = {name: part for name, part in parts(arguments) if isinstance(part, nn.Module)}
        self.hooks = {name: _hooks(module) for name, module in self.modules.items()}

    def changed(self) -> list[str]:
        """What was edited, in words, each once."""
        now = {name: _state(part) for name, part in parts(self.watched)}
        edited = (_change(name, then, now[name]) for name, then in self.states.items() if name in now)
        return list(dict.fromkeys(words for words in edited if words))

    def hooks_left(self) -> list[str]:
        """Hook points that hold more hooks than before. Removes nothing: the model is thrown away."""
        return [
            point
            for name, module in self.modules.items()
            for point, count in _hooks(module).items()
            if count > self.hooks[name].get(point, 0)
        ]


class _Kept(tuple):
    """Names of a cache's entries. It may get more: TransformerLens adds head results when asked for them."""


def _hooks(module: nn.Module) -> dict[str, int]:
    points = module.hook_dict if isinstance(module, TransformerBridge) else {"hook": module}
    once = {id(point): name for name, point in reversed(points.items())}  # many have two names
    return {
        name: len(point.fwd_hooks) + len(point.bwd_hooks)
        for name, point in points.items()
        if once[id(point)] == name and (getattr(point, "fwd_hooks", 0) or getattr(point, "bwd_hooks", 0))
    }


def _state(part: Any) -> Any:
    """What of a part can change in place, without what is within it; None where nothing can.

    What is gone with its list or dict is told of the list or dict.
    """
    if isinstance(part, Tensor):
        return part.detach().clone()
    if isinstance(part, dict):
        return dict.fromkeys(part)
    if isinstance(part, ActivationCache):
        return _Kept(part.cache_dict)
    if isinstance(part, list | tuple):
        return [None] * len(part)
    if isinstance(part, set):
        return set(part)
    return part if isinstance(part, str | int | float | bool | Again) else None


def _change(name: str, before: Any, now: Any) -> str:
    """How a part changed, in words; "" where it did not."""
    if type(before) is not type(now):
        return f"{name} ({number(before)} before, {number(now)} now)" if _told(before, now) else name
    if isinstance(before, _Kept):
        lost = _less(before, now)
        return f"{name} (lost: {listing(map(repr, lost), 2)})" if lost else ""
    if isinstance(before, Tensor):
        if before.shape != now.shape:
            return f"{name} (shape {tuple(before.shape)} before, {tuple(now.shape)} now)"
        return "" if before.dtype == now.dtype and _equal(before, now) else name
    if isinstance(before, dict | set):
        told = (("lost", _less(before, now)), ("new", _less(now, before)))
        words = "; ".join(f"{word}: {listing(map(repr, keys), 2)}" for word, keys in told if keys)
        return f"{name} ({words})" if words else ""
    if isinstance(before, list):
        same = len(before) == len(now)
        return "" if same else f"{name} ({_items(before)} before, {_items(now)} now)"
    same = before == now or before != before  # nan is nan
    return "" if same else f"{name} ({number(before)} before, {number(now)} now)"


def _equal(before: Tensor, now: Tensor) -> bool:
    if torch.equal(before, now):
        return True
    return before.is_floating_point() and torch.allclose(before, now, rtol=0, atol=0, equal_nan=True)


def _told(*values: Any) -> bool:
    return all(isinstance(v, str | int | float | bool | None) for v in values)


def _items(values: list) -> str:
    return "1 item" if len(values) == 1 else f"{len(values)} items"


def _less(one: Any, other: Any) -> list:
    return [key for key in one if key not in other]
