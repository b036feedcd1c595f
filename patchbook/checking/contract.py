"""The contract: an exercise's jaxtyping signature, enforced with typeguard on a value that came back.

`@jaxtyped(typechecker=typeguard.typechecked)` checks nothing or breaks on today's versions;
`check_type` inside a `jaxtyped("context")` works in files and in notebook cells alike.
"""

import inspect
import re
import typing
from collections.abc import Callable
from typing import Any

import torch
import typeguard
from jaxtyping import AbstractArray, jaxtyped

from patchbook.checking.messages import listing


def violation(reference: Callable, wanted: Any, arguments: dict[str, Any], value: Any) -> str:
    """How `value` breaks the type `wanted` given the arguments, in words; "" when it does not.

    The arguments are checked first, in the same context: they bind the axes' sizes.
    """
    parameters = inspect.signature(reference).parameters
    with jaxtyped("context"):
        for name, parameter in parameters.items():
            if name in arguments and is_array(parameter.annotation):
                typeguard.check_type(arguments[name], parameter.annotation)
        try:
            typeguard.check_type(value, wanted, **_STRICT)
        except typeguard.TypeCheckError:
            sizes = _axis_sizes(parameters, arguments)
            return f"it returned {describe(value)}; wanted {describe_type(wanted, sizes)}"
    return ""


def arrays(reference: Callable, arguments: dict[str, Any]) -> dict[str, Any]:
    """Those of the arguments whose annotations have axes: all that `violation` needs of them."""
    parameters = inspect.signature(reference).parameters
    return {
        name: v
        for name, v in arguments.items()
        if name in parameters and is_array(parameters[name].annotation)
    }


_STRICT = {"collection_check_strategy": typeguard.CollectionCheckStrategy.ALL_ITEMS}


def is_array(annotation: Any) -> bool:
    """Whether an annotation is one of jaxtyping's, such as Float[Tensor, "layer head"]."""
    return isinstance(annotation, type) and issubclass(annotation, AbstractArray)


def axes(annotation: Any) -> tuple[str, ...]:
    """("layer", "head") of Float[Tensor, "layer head"]; () of anything else. "1" stays "1"."""
    return tuple(annotation.dim_str.split()) if is_array(annotation) else ()


def _axis_sizes(parameters: dict, arguments: dict[str, Any]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name, parameter in parameters.items():
        value = arguments.get(name)
        if is_array(parameter.annotation) and torch.is_tensor(value):
            names = axes(parameter.annotation)
            if len(names) == value.dim():  # "*components" and "..." stand for any number of axes
                named = zip(names, value.shape, strict=True)
                sizes |= {axis: size for axis, size in named if axis.isidentifier()}
    return sizes


def describe(value: Any) -> str:
    """A value's type and shape: "a float32 tensor of shape (5, 3)", "a list of 3 tuples"."""
    if torch.is_tensor(value):
        return f"a {str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)}"
    if value is None:
        return "None (is there a `return` on every path?)"
    if isinstance(value, list | dict) and value:
        held = sorted({type(v).__name__ for v in (value.values() if type(value) is dict else value)})
        return f"a {type(value).__name__} of {len(value)} ({listing(held)})"
    if type(value) in (str, int, float, bool):
        return f"the {type(value).__name__} {value!r}"
    return f"a {type(value).__name__}" if "Opaque" not in type(value).__name__ else repr(value)


def describe_type(wanted: Any, sizes: dict[str, int] | None = None) -> str:
    """A type in a learner's words: "a float tensor with axes (layer, head=5)"."""
    if is_array(wanted):
        shown = [f"{a}={sizes[a]}" if a in (sizes or {}) else a for a in axes(wanted)]
        kind = wanted.__name__.split("[")[0].lower()
        return f"{_article(kind)} tensor with axes ({', '.join(shown)})"
    if typing.get_origin(wanted):
        return _article(re.sub(r"\b(?:\w+\.)+", "", str(wanted)))
    return "None" if wanted is None else _article(wanted.__name__)


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
