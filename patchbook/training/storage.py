"""Weights in half precision, where nothing that was measured notices."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from patchbook.training.circuits import BY_CHANCE

NEAR = 0.005  # logits, nats, or attention: what may differ. Heads named must be the same heads.
NEAR_COUNT = 0.05  # heads: how far means of counts over draws may be apart
OF_THE_FILES = ("bytes_of_weights", "stored_as")


def store_small(folder: Path, measured: Callable[[], dict]) -> dict:
    """Keep the folder's weights as float16 if `measured()` stays the same, else as they are.

    Returns what is measured of the model that stays. config.json goes on to say float32, so that is what
    the weights are computed with.
    """
    path = folder / "model.safetensors"
    before, whole = measured(), path.read_bytes()
    if stored_as(path) == "float16":
        return before
    halve(path)
    after = measured()
    if not any(differences(before, after)):
        return after
    path.write_bytes(whole)
    return before


def halve(path: Path) -> None:
    """Write a file of weights again, in float16, and readable for everybody: grading is another user."""
    weights = {name: weight.to(torch.float16) for name, weight in load_file(path).items()}
    path.write_bytes(save(weights, metadata={"format": "pt"}))
    path.chmod(0o644)


def stored_as(path: Path) -> str:
    """The precision that a file of weights has."""
    return str(next(iter(load_file(path).values())).dtype).removeprefix("torch.")


def differences(before: dict, after: dict, where: str = "", near: float = NEAR) -> Iterator[str]:
    """What two models' measured numbers disagree on: other keys, or a number further than `near`.

    >>> list(differences({"ioi": {"L3H0": 0.31}}, {"ioi": {"L3H0": 0.35}}))
    ['ioi: L3H0: 0.31 became 0.35']
    """
    if before.keys() != after.keys():
        yield f"{where}{', '.join(before)} became {', '.join(after)}"
        return
    for key, one in before.items():
        other = after[key]
        if key in OF_THE_FILES:
            continue
        if isinstance(one, dict):
            yield from differences(one, other, f"{where}{key}: ", NEAR_COUNT if key == BY_CHANCE else near)
        elif isinstance(one, list):
            yield from differences(dict(enumerate(one)), dict(enumerate(other)), f"{where}{key}: ", near)
        elif one != other and (isinstance(one, str) or abs(one - other) > near):
            yield f"{where}{key}: {one} became {other}"
