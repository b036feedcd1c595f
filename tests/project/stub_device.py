"""A device that is not there: tensors live on the CPU and say that they are elsewhere, as on a GPU.

    with StubDevice():
        x = torch.ones(3, device=StubDevice.NAME)
        x + torch.ones(3)   # RuntimeError, as with a GPU's tensor and a CPU's

What PyTorch allows between a GPU and the CPU is allowed: numbers and tensors without axes, indices from the
CPU, and copies. Only calls from Python are watched, which are all that a notebook makes.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

INDEXING = {Tensor.__getitem__, Tensor.__setitem__}
COPYING = {
    Tensor.copy_,
    Tensor.to,
    Tensor.data.__set__,
    torch.tensor,
    torch.as_tensor,
    torch._has_compatible_shallow_copy_type,  # Module.to asks it whether a weight may keep its place
}
TO_CPU = {Tensor.cpu}
VALUES = {Tensor.numpy, Tensor.__array__}


class StubDevice(TorchFunctionMode):
    """While it is on, NAME is a device of its own. A mark on a tensor object says that it is there."""

    NAME = "ipu"  # a name that torch.device knows, and nobody here has one

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = dict(kwargs or {})
        if func == Tensor.device.__get__ and there(args[0]):
            return torch.device(self.NAME)
        if func is torch._C._nn._parse_to:  # what Module.to reads its arguments with
            return func(*args, **kwargs)
        if func in VALUES and there(args[0]):
            raise TypeError("can't convert a tensor of this device to numpy: use .cpu() first")
        asked, args, kwargs = self._without_device(func, args, kwargs)
        if func not in COPYING:
            refuse_mixed(func, args, kwargs)
        result = func(*args, **kwargs)
        elsewhere = asked == self.NAME or (asked is None and any_there(func, args, kwargs))
        if asked is not None and isinstance(result, Tensor) and there(result) != elsewhere:
            result = result.clone()  # a copy that the CPU did not make, as it already had the tensor
        for tensor in tensors([result]):
            mark(tensor, elsewhere)
        if func == Tensor.data.__set__:
            mark(args[0], there(args[1]))
        return result

    def _without_device(self, func: Any, args: tuple, kwargs: dict) -> tuple[str | None, tuple, dict]:
        """The device that a call asks for, and the call's arguments with the CPU in its place."""
        asked = None

        def on_cpu(value: Any) -> Any:
            nonlocal asked
            if isinstance(value, torch.device) or (isinstance(value, str) and value in ("cpu", self.NAME)):
                asked = str(value)
                return "cpu"
            return value

        if func is Tensor.to:
            args = (args[0], *map(on_cpu, args[1:]))
            if any_there(func, args[1:], {}):  # x.to(other)
                asked = self.NAME
        elif func in TO_CPU:
            asked = "cpu"
        if kwargs.get("device") is not None:
            kwargs["device"] = on_cpu(kwargs["device"])
        return asked, args, kwargs


def there(value: Any) -> bool:
    if not isinstance(value, Tensor):
        return False
    inside = getattr(value, "logits", None)  # a wrapper is where its logits are
    return getattr(value, "_there", False) or there(inside)


def mark(tensor: Tensor, elsewhere: bool) -> None:
    tensor._there = elsewhere


def tensors(values: Iterable) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples and dicts."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors(value)
        elif isinstance(value, dict):
            yield from tensors(value.values())


def any_there(func: Any, args: tuple, kwargs: dict) -> bool:
    source = args[:1] if func in INDEXING or func is Tensor.copy_ else [*args, kwargs]
    return any(there(tensor) for tensor in tensors(source))


def refuse_mixed(func: Any, args: tuple, kwargs: dict) -> None:
    """RuntimeError where a GPU would give one: tensors of two devices meet."""
    if func in INDEXING:
        target, index, *value = args
        if not there(target) and any(there(t) and t.ndim for t in tensors([index])):
            raise RuntimeError("a tensor on the CPU is indexed with one that is elsewhere")
        met = [target, *tensors(value)]
    else:
        met = list(tensors([*args, kwargs]))
    places = {there(tensor) for tensor in met if tensor.ndim}
    if len(places) > 1:
        shapes = ", ".join(f"{tuple(t.shape)} {'elsewhere' if there(t) else 'on the CPU'}" for t in met)
        raise RuntimeError(f"{resolve_name(func) or func}: tensors of two devices meet: {shapes}")
