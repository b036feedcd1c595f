"""A Record: what was observed of a learner's function, as data that can cross a process boundary.

Tensors travel as safetensors, the rest as JSON in its header. Never pickle: a pickle can run code.
"""

import json
import struct
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from transformer_lens import FactoredMatrix


@dataclass(frozen=True)
class Opaque:
    """A returned object that is not data: kept by name only, to say what came back."""

    type: str

    def __repr__(self) -> str:
        return f"<{self.type}>"


@dataclass(frozen=True, eq=False)
class Array:
    """A numpy array: a tensor to those who take one for it."""

    values: torch.Tensor


@dataclass(frozen=True)
class Raised:
    """Stands where a value would, had the function not raised.

    kinds: names of the error's class and of those that it is a kind of, the class first.
    """

    kinds: tuple[str, ...]

    @classmethod
    def of(cls, error: BaseException) -> "Raised":
        return cls(tuple(kind.__name__ for kind in type(error).__mro__ if kind is not object))

    @property
    def kind(self) -> str:
        return self.kinds[0]


@dataclass
class Outcome:
    """What one case gave: a value or an error, and what the function did on the side."""

    case: str
    value: Any = None
    error: dict[str, Any] | None = None  # kinds, message, line (source text), number
    changed: list[str] = field(default_factory=list)  # inputs edited in place
    hooks_left: list[str] = field(default_factory=list)  # hook points that still have a hook
    ready_made: list[str] = field(default_factory=list)  # refused functions that were called
    autograd_left_on: bool = False


@dataclass
class Record:
    """All outcomes of one check on one seed."""

    exercise: str
    seed: int
    outcomes: list[Outcome]

    def to_bytes(self) -> bytes:
        """One safetensors file whose metadata holds the JSON."""
        tensors: dict[str, torch.Tensor] = {}
        outcomes = [
            {f.name: getattr(o, f.name) for f in fields(o)} | {"value": encode(o.value, tensors)}
            for o in self.outcomes
        ]
        body = {"exercise": self.exercise, "seed": self.seed, "outcomes": outcomes}
        return save(tensors, metadata={"record": json.dumps(body)})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Record":
        """The inverse of to_bytes. ValueError when the bytes are not a record."""
        try:
            body, tensors = json.loads(_metadata(data)["record"]), load(data)
            outcomes = [Outcome(**o | {"value": decode(o["value"], tensors)}) for o in body["outcomes"]]
            return cls(str(body["exercise"]), int(body["seed"]), outcomes)
        except Exception as error:  # the bytes come from a learner's process: anything may be wrong
            raise ValueError(f"not a record of a check: {error}") from error


def _metadata(data: bytes) -> dict[str, str]:
    """The JSON header that opens a safetensors file."""
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size])["__metadata__"]


def encode(value: Any, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """A value as JSON with its tensors put aside under numbered names."""
    value = _plain(value)
    if value is None or isinstance(value, bool | int | str):
        return {"plain": value}
    if isinstance(value, float):
        return {"float": float.__repr__(value)}  # JSON has no nan
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": encode(torch.from_numpy(value.copy()), tensors)["tensor"]}
    if isinstance(value, Array):  # of numpy, on its way for the second time
        return {"array": encode(value.values, tensors)["tensor"]}
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, FactoredMatrix):
        return {"factored": [encode(value.A, tensors), encode(value.B, tensors)]}
    if isinstance(value, list | tuple):
        return {
            type(value).__name__ if type(value) in (list, tuple) else "tuple": [
                encode(v, tensors) for v in value
            ]
        }
    if isinstance(value, dict):
        return {"dict": [[encode(k, tensors), encode(v, tensors)] for k, v in value.items()]}
    return {"opaque": f"{type(value).__module__}.{type(value).__qualname__}"}


def _plain(value: Any) -> Any:
    """numpy's numbers and texts as Python's."""
    kinds = ((np.bool_, bool), (np.integer, int), (np.floating, float), (np.str_, str))
    return next((plain(value) for kind, plain in kinds if isinstance(value, kind)), value)


def decode(code: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Any:
    """The inverse of encode."""
    ((kind, body),) = code.items()
    decoders = {
        "plain": lambda: body,
        "float": lambda: float(body),
        "tensor": lambda: tensors[body],
        "array": lambda: Array(tensors[body]),
        "factored": lambda: FactoredMatrix(*(decode(v, tensors) for v in body)),
        "list": lambda: [decode(v, tensors) for v in body],
        "tuple": lambda: tuple(decode(v, tensors) for v in body),
        "dict": lambda: {decode(k, tensors): decode(v, tensors) for k, v in body},
        "opaque": lambda: Opaque(body),
    }
    return decoders[kind]()


def as_data(value: Any) -> Any:
    """The value as it would arrive in another process: detached, copied, foreign objects named."""
    tensors: dict[str, torch.Tensor] = {}
    return decode(encode(value, tensors), tensors)
