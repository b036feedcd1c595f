"""A training that was interrupted goes on where it was: its whole state, in one file, every few minutes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from patchbook.training.trainer import Recipe, State

MINUTES = 3.0  # between two writings


class Checkpoint:
    """The file that one training goes on from, whatever stops it.

    It holds the number of the stage, the curve so far, and of the stage's `State` the weights, the optimiser,
    the generator and the losses. It is written beside itself and then renamed, so there is never half a file.
    A training that went on from it ends with the bytes of one that never stopped.

    stage: the stage to go on with; after the last one, how many there are. points: the curve so far.
    """

    def __init__(self, path: Path, stages: list[Recipe], minutes: float = MINUTES):
        self.path, self.minutes, self.written = path, minutes, time.monotonic()
        self.recipe = [vars(stage) for stage in stages]
        self.found = torch.load(path, weights_only=True) if path.exists() else {}
        if self.found and self.found["recipe"] != self.recipe:
            raise ValueError(f"{path} is of a training by another recipe: delete it, or name another folder.")
        self.stage: int = self.found.get("stage", 0)
        self.points: list[dict] = self.found.get("points", [])

    def restore_weights(self, model: nn.Module) -> None:
        """Put the weights of the file into `model`."""
        for name, parameter in model.named_parameters():
            if self.found:
                parameter.data.copy_(self.found["weights"][name])

    def begin(self, model: nn.Module, recipe: Recipe) -> State:
        """The state of `stage`: where the file was written within it, else before its first step."""
        self.state = State.at_the_beginning(model, recipe)
        if self.found.get("stage") == self.stage and self.found["seen"]:
            self.state.adam.load_state_dict(self.found["adam"])
            self.state.rng.bit_generator.state = self.found["rng"]
            self.state.seen.extend(self.found["seen"])
        return self.state

    def watching(self, watch: Callable[[int], None]) -> Callable[[int], None]:
        """`watch`, and before it the file is written, if the last writing is so many minutes ago."""

        def watch_and_write(step: int) -> None:
            if time.monotonic() - self.written >= 60 * self.minutes:
                self.write()
            watch(step)

        return watch_and_write

    def end_stage(self) -> None:
        """The stage is over: write that the next one begins with these weights."""
        self.stage += 1
        self.state.seen.clear()
        self.write()

    def write(self) -> None:
        """Write the file now, as before the next step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".part")
        torch.save(
            {
                "recipe": self.recipe,
                "stage": self.stage,
                "points": self.points,
                "weights": {name: weight.detach() for name, weight in self.state.model.named_parameters()},
                "adam": self.state.adam.state_dict(),
                "rng": self.state.rng.bit_generator.state,
                "seen": self.state.seen,
            },
            beside,
        )
        os.replace(beside, self.path)
        self.written = time.monotonic()

    def remove(self) -> None:
        """The model is written and measured: there is nothing left to go on with."""
        self.path.unlink(missing_ok=True)
