"""Edges of the model in use whose estimate by one gradient is wrong, and mended by integrated gradients."""

import functools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from patchbook.checking.contract import describe
from patchbook.checking.diagnosis import Diagnosis
from patchbook.checking.measured import model_in_use
from patchbook.patching.edges import EdgeScores, edge_effects
from patchbook.patching.estimates import attribute
from patchbook.prompts.ioi import published_prompts

STEPS = 10
CANDIDATES = 20  # edges whose two estimates are furthest apart: they are patched exactly
MENDED = 0.5  # of EAP's error: what integrated gradients may leave
LARGE = 0.1  # of the largest gain: what an exhibit must gain


@dataclass(frozen=True)
class Errors:
    """What of every edge is known: both estimates, and of some the exact effect.

    patch: gives the exact effects of more edges, by label.
    """

    once: EdgeScores
    along: EdgeScores
    exact: dict[str, float]
    patch: Any

    @property
    def best(self) -> str:
        """The edge that gains most, of those that were patched."""
        return max(self.exact, key=self.gain)

    def errors(self, label: str) -> tuple[float, float]:
        """How far EAP is off, and how far EAP-IG."""
        effect = self.exact[label] if label in self.exact else self.patch([label])[label]
        return abs(self.once.of(label) - effect), abs(self.along.of(label) - effect)

    def gain(self, label: str) -> float:
        """By how much EAP-IG is nearer."""
        once, along = self.errors(label)
        return once - along


@functools.lru_cache(maxsize=4)
def errors(model_name: str | None) -> Errors:
    """On the published prompts of IOI, against their mirror images. None: the default of `load_model`."""
    model = model_in_use(model_name)
    prompts = published_prompts(model.tokenizer, device=model.cfg.device)
    mirrored = prompts.toks[torch.arange(len(prompts)) ^ 1]

    def metric(logits: Tensor) -> Tensor:
        right, wrong = logits[:, -1].gather(1, prompts.answer_tokens).T
        return (right - wrong).mean()

    arguments = (model, prompts.toks, mirrored, metric)
    once, along = attribute(*arguments), attribute(*arguments, steps=STEPS)
    graph = once.graph

    def patch(labels: list[str]) -> dict[str, float]:
        scores = edge_effects(*arguments, [graph.edge(label) for label in labels])
        return {label: scores.of(label) for label in labels}

    apart = (once.row - along.row).abs().argsort(descending=True)[:CANDIDATES].tolist()
    return Errors(once, along, patch([graph.edges[i].label for i in apart]), patch)


def wrong_edge(errors: Errors, label: Any) -> Diagnosis | None:
    """What is wrong with an exhibit, or None. Never says which edge it should be."""
    wanted = f"Wanted the label of one edge, such as {errors.once.graph.edges[-1].label!r}."
    if not isinstance(label, str):
        came = "None" if label is None else describe(label)
        return Diagnosis("not-a-label", f"this is {came}.", wanted)
    try:
        errors.once.of(label)
    except KeyError:
        return Diagnosis("no-such-edge", f"the model has no edge {label!r}.", wanted)
    once, along = errors.errors(label)
    said = f"EAP misses the effect of {label} by {once:.2f}, EAP-IG by {along:.2f}"
    best_once, best_along = errors.errors(errors.best)
    if along >= once:
        return Diagnosis("made-worse", f"{said}: it is no better.", "Look where EAP-IG is nearer.")
    if once - along < LARGE * (best_once - best_along):
        return Diagnosis(
            "too-small",
            f"{said}: others show much more.",
            "Look for an edge whose two estimates are far apart, and patch it.",
        )
    if along > max(MENDED, best_along / best_once) * once:
        return Diagnosis(
            "not-mended",
            f"{said}: that is not mended.",
            "EAP-IG's error should be less than half of EAP's.",
        )
    return None
