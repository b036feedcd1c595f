"""What arguments are made of: every part that code can change, under the name a learner would use for it."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from transformer_lens import ActivationCache, TransformerBridge
from transformers import PreTrainedTokenizerBase

_WHOLE = (str, bytes, int, float, complex, bool, type(None), type, ModuleType, torch.dtype, torch.device)
_CACHED = type(functools.cache(print))
_FUNCTIONS = (FunctionType, MethodType, functools.partial, _CACHED)
_TOKENIZER = ("padding_side", "truncation_side", "bos_token", "eos_token", "pad_token", "unk_token")


@dataclass(frozen=True)
class Again:
    """Stands for a part that was met before, under this name."""

    name: str


def parts(arguments: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(name, part) of the arguments and of all that is within them.

    >>> [name for name, _ in parts({"K": [(1, 2)]})]
    ['K', 'K[0]', 'K[0][0]', 'K[0][1]']
    """
    seen: dict[int, tuple[str, Any]] = {}  # holds the parts: an id is no name once its object is gone
    waiting = list(reversed(arguments.items()))
    while waiting:
        name, part = waiting.pop()
        if isinstance(part, _WHOLE):
            yield name, part
        elif id(part) in seen:
            yield name, Again(seen[id(part)][0])
        else:
            seen[id(part)] = name, part
            waiting += reversed(list(_within(name, part)))
            yield name, part


def _within(name: str, part: Any) -> Iterator[tuple[str, Any]]:
    """One step down."""
    if isinstance(part, nn.Module):
        yield from _of_a_module(name, part)
    elif isinstance(part, ActivationCache):
        yield from ((f"{name}[{key!r}]", value) for key, value in part.cache_dict.items())
        yield from ((f"{name}.{key}", v) for key, v in vars(part).items() if key != "cache_dict")
    elif isinstance(part, dict):
        yield from ((f"{name}[{key!r}]", value) for key, value in part.items())
    elif isinstance(part, list | tuple):
        yield from ((f"{name}[{i}]", value) for i, value in enumerate(part))
    elif isinstance(part, PreTrainedTokenizerBase):
        yield from ((f"{name}.{key}", getattr(part, key)) for key in _TOKENIZER)
    elif isinstance(part, functools.partial | FunctionType | MethodType):
        yield from ((f"a value within {name.rpartition(' ')[2]}", value) for value in _held(part))
    elif has_attributes(part):
        yield from ((f"{name}.{key}", value) for key, value in attributes(part).items())


def _of_a_module(name: str, module: nn.Module) -> Iterator[tuple[str, Any]]:
    for key, weight in (*module.named_parameters(), *module.named_buffers()):
        yield f"{name}'s weights ({key.replace('_original_component.', '')})", weight
    yield f"{name}.training", module.training
    if isinstance(module, TransformerBridge):
        yield f"{name}.cfg", module.cfg
        yield f"{name}.tokenizer", module.tokenizer


def _held(function: Any) -> Iterator[Any]:
    """What a function carries with it: arguments of a partial, variables of the function that made it."""
    if isinstance(function, functools.partial):
        yield from (function.func, *function.args, *function.keywords.values())
    elif isinstance(function, MethodType):
        yield function.__self__
    else:
        yield from (cell.cell_contents for cell in function.__closure__ or ())
        yield from function.__defaults__ or ()


def has_attributes(thing: Any) -> bool:
    """Whether it is an object whose own attributes make it up: a dataset, not a tensor, model or function."""
    others = (*_WHOLE, Tensor, nn.Module, PreTrainedTokenizerBase, *_FUNCTIONS)
    return hasattr(thing, "__dict__") and not isinstance(thing, others)


def attributes(thing: Any) -> dict[str, Any]:
    """An object's attributes. Properties that are computed at first use and then kept are computed."""
    for kind in type(thing).__mro__:
        for name in [n for n, v in vars(kind).items() if isinstance(v, functools.cached_property)]:
            getattr(thing, name)
    return dict(vars(thing))
