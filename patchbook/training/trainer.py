"""The training loop: AdamW, a warm-up and a cosine, one batch after another."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from patchbook.training.batches import Batch, Rows, draw

# Where a look is charged for (`Recipe.price`), from the place before a receiver's name: layer -> how many
# positions back. Layers 0 and 1 may look nowhere from there, layer 3 not at the last words. What the giver's
# second mention says must then come to the end through layer 2, and tell layer 3 which name to fetch.
CHARGED = {0: (1, 256), 1: (1, 256), 3: (1, 8)}


@dataclass(frozen=True)
class Recipe:
    """What a stage of training needs to be repeated.

    The learning rate rises from 0 to `peak_rate`, then falls along half a cosine to `last_rate`. A share of
    `repeat_share` of the rows are random tokens repeated, and their loss counts `repeat_weight` times; the
    name that a gift goes to counts `receiver_weight` times. `crowded` is a kind of corpus (`ioi_text.gift`).
    `price`: nats for each unit of attention that CHARGED names.
    """

    steps: int
    peak_rate: float = 2e-3
    last_rate: float = 0.0
    warm_up: int = 200
    weight_decay: float = 0.05
    repeat_share: float = 0.16
    repeat_weight: float = 0.3
    receiver_weight: float = 1.0
    price: float = 0.0
    crowded: bool = False
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of one step."""
        up = min(1.0, (step + 1) / self.warm_up)
        down = 0.5 + 0.5 * math.cos(math.pi * step / self.steps)
        return up * (self.last_rate + (self.peak_rate - self.last_rate) * down)


class Read(NamedTuple):
    """What a model makes of tokens: logits [batch pos vocab]; where asked for, the patterns of its layers."""

    logits: Tensor
    patterns: tuple[Tensor, ...] = ()  # each [batch head query key]


def next_token_loss(logits: Tensor, tokens: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean loss in nats of predicting tokens [batch pos] one position ahead; weighted by `weight`."""
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    if weight is None:
        return loss.mean()
    weight = weight[:, :-1].flatten()
    return (loss * weight).sum() / weight.sum()


def losses(read: Callable[[Tensor], Read], batch: Batch, recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
    """Loss on the documents; on the second half of repeated rows (the first is pure chance); the charge."""
    logits, patterns = read(torch.cat([batch.text, batch.repeats]))
    split, half = len(batch.text), batch.repeats.shape[1] // 2
    weight = torch.ones(batch.text.shape).masked_fill(batch.ends, recipe.receiver_weight)
    return (
        next_token_loss(logits[:split], batch.text, weight),
        next_token_loss(logits[split:, half:], batch.repeats[:, half:]),
        charge([layer[:split] for layer in patterns], batch.ends) if recipe.price else torch.tensor(0.0),
    )


def charge(patterns: list[Tensor], ends: Tensor) -> Tensor:
    """Attention to the places CHARGED names, summed over heads: the mean over the marked `ends`, a scalar."""
    place = torch.arange(ends.shape[1])
    back = place[:, None] - place  # (query, key); a look at the very first token is rest, and free
    looks = sum(
        (patterns[layer] * ((back >= least) & (back <= most) & (place > 0))).sum((1, 3))
        for layer, (least, most) in CHARGED.items()
    )
    return looks[ends].sum() / ends.sum().clamp(min=1)


def optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW that decays matrices only: biases stay free, and the missing-logit puzzle needs one."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.peak_rate, betas=(0.9, 0.98))


@dataclass
class State:
    """All that a stage of training is made of beside its rows, before its step number `len(seen)`."""

    model: nn.Module
    adam: torch.optim.Optimizer
    rng: np.random.Generator
    seen: list[float] = field(default_factory=list)  # the loss on documents in nats, one number a step

    @classmethod
    def at_the_beginning(cls, model: nn.Module, recipe: Recipe) -> "State":
        """Before the first step of a stage."""
        return cls(model, optimiser(model, recipe), np.random.default_rng(recipe.seed))


def train(
    state: State,
    read: Callable[[Tensor], Read],
    rows: Rows,
    recipe: Recipe,
    watch: Callable[[int], None] = lambda step: None,
    say: Callable[[str], None] = print,
) -> list[float]:
    """Train `state` in place to the end of its stage; `watch(step)` comes before each step and at the end.

    Returns the loss on documents in nats, one number a step. The same state, rows and recipe give the same
    weights, bit for bit, on the same machine.
    """
    model, adam, rng, seen, began = state.model, state.adam, state.rng, state.seen, time.time()
    for step in range(len(seen), recipe.steps):
        watch(step)
        for group in adam.param_groups:
            group["lr"] = recipe.rate(step)
        text, again, charged = losses(read, draw(rows, step, rng, recipe.repeat_share), recipe)
        adam.zero_grad()
        (text + recipe.repeat_weight * again + recipe.price * charged).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        seen.append(text.item())
        if step % 200 == 0:
            parts = f"text {text:.3f}  repeats {again:.3f}  charge {charged:.3f}"
            say(f"{step:6d}  {parts}  {time.time() - began:.0f} s")
    watch(recipe.steps)
    return seen
