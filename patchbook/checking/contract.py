"""The contract: an exercise's jaxtyping signature, enforced with typeguard on a value that came back.

`@jaxtyped(typechecker=typeguard.typechecked)` checks nothing or breaks on today's versions;
`check_type` inside a `jaxtyped("context")` works in files and in notebook cells alike.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable
from typing import Any

import torch
import typeguard
from jaxtyping import AbstractArray, jaxtyped

from patchbook.checking.messages import listing
from patchbook.checking.record import Array, Opaque


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


def misfit(reference: Callable, arguments: dict[str, Any]) -> str:
    """How arguments, by name, break a function's signature, axes and all, in words; "" when they do not."""
    parameters, bound = inspect.signature(reference).parameters, {}
    with jaxtyped("context"):
        for name, value in arguments.items():
            try:
                typeguard.check_type(value, parameters[name].annotation, **_STRICT)
            except typeguard.TypeCheckError:
                wanted = describe_type(parameters[name].annotation, _axis_sizes(parameters, bound))
                return f"{name} is {describe(value)}; wanted {wanted}"
            bound[name] = value
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


def misshapen(got: Any, want: Any) -> str:
    """How the shape of a tensor differs from that of the reference's, in words; "" when it does not."""
    tensors = torch.is_tensor(want) and torch.is_tensor(got)
    if not tensors or got.shape == want.shape:
        return ""
    return f"it returned {describe(got)}; wanted shape {tuple(want.shape)}"


def describe(value: Any) -> str:
    """A value's type and shape: "a float32 tensor of shape (5, 3)", "a list of 3 (tuple)"."""
    if torch.is_tensor(value):
        return f"{_of_dtype(value)} tensor of shape {tuple(value.shape)}"
    if isinstance(value, Array):
        return f"{_of_dtype(value.values)} numpy array of shape {tuple(value.values.shape)}"
    if value is None:
        return "None (is there a `return` on every path?)"
    if isinstance(value, Opaque):
        return _article(value.type.rpartition(".")[2])
    if isinstance(value, list | tuple | dict) and value:
        held = sorted({_name(v) for v in (value.values() if type(value) is dict else value)})
        return f"a {type(value).__name__} of {len(value)} ({listing(held)})"
    if isinstance(value, list | tuple | dict):
        return f"an empty {type(value).__name__}"
    return f"the {type(value).__name__} {value!r}" if type(value) in _WORDS else _article(_name(value))


_WORDS = (str, int, float, bool)


def _of_dtype(tensor: torch.Tensor) -> str:
    return _article(str(tensor.dtype).removeprefix("torch."))


def _name(value: Any) -> str:
    return value.type.rpartition(".")[2] if isinstance(value, Opaque) else type(value).__name__


def describe_type(wanted: Any, sizes: dict[str, int] | None = None) -> str:
    """A type in a learner's words: "a float tensor with axes (layer, head=5)", "a list[str]"."""
    if is_array(wanted):
        shown = [f"{a}={sizes[a]}" if a in (sizes or {}) else a for a in axes(wanted)]
        kind = wanted.__name__.split("[")[0].lower()
        return f"{_article(kind)} tensor with axes ({', '.join(shown)})" if shown else "one number"
    if isinstance(wanted, types.UnionType):
        return " or ".join(describe_type(kind, sizes) for kind in typing.get_args(wanted))
    if typing.get_origin(wanted):
        return _article(re.sub(r"\b(?:\w+\.)+", "", str(wanted)))
    return "None" if wanted in (None, type(None)) else _article(wanted.__name__)


def hint(value: Any, wanted: Any) -> str:
    """What to do about a value that is not of the `wanted` type."""
    tensor = wanted is torch.Tensor or is_array(wanted)
    if isinstance(value, list | tuple) and value and tensor:
        tensors = all(map(torch.is_tensor, value))
        return (
            "Make one tensor of them, with torch.stack(…)."
            if tensors
            else "Make a tensor of it, with torch.tensor(…)."
        )
    if (torch.is_tensor(value) or isinstance(value, Array)) and typing.get_origin(wanted) is list:
        return "Turn it into a list, with .tolist()."
    if isinstance(value, Opaque) and value.type == "builtins.generator":
        return "Go through it once, with list(…) or in a list comprehension, [… for … in …]."
    if isinstance(value, Opaque) and value.type in ("builtins.set", "builtins.frozenset", "builtins.map"):
        return "Turn it into a list, with list(…) or sorted(…)."
    if isinstance(value, Opaque) and value.type.endswith(".ActivationCache"):
        return "Return a tensor, not the cache that it comes from."
    if _holds_tensors(value) and not tensor:
        return "Turn tensors that hold one number into plain numbers, with .item() or .tolist()."
    if value is None:
        return "End each path through the function with `return …`."
    return "Print the type and shape of what you return, and compare them with the stub's `->`."


def _holds_tensors(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(torch.is_tensor(v) or isinstance(v, Array) or _holds_tensors(v) for v in inner)


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiouAEIO' else 'a'} {words}"
