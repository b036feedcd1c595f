"""Judge a list of head labels ("L1H4") by measured scores, leaving borderline heads to the learner.

A prediction such as "the induction heads of this model" has no single right list: another draw of random
tokens moves a score a little. So a head clearly above must be named, one clearly below must not.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float
from torch import Tensor

from patchbook.checking.contract import describe
from patchbook.checking.diagnosis import Diagnosis

LABEL = re.compile(r"L(0|[1-9]\d*)H(0|[1-9]\d*)")


@dataclass(frozen=True)
class HeadScores:
    """What was measured of a model's heads.

    kind, score: in words, such as "induction head" and "induction score".
    values: the score of each head. low, high: below low a head must not be named, above high it must.
    lookalikes: kinds of head that are easily taken for these, with their own scores.
    details: what a score is made of, in words; shown of a head that does not belong in the list.
    rule: what makes a head one of these, in a sentence, where a score alone would not tell a learner.
    """

    kind: str
    score: str
    values: Float[Tensor, "layer head"]
    low: float = 0.3
    high: float = 0.5
    lookalikes: dict[str, Float[Tensor, "layer head"]] = field(default_factory=dict)
    details: dict[str, Float[Tensor, "layer head"]] = field(default_factory=dict)
    rule: str = ""

    def labels(self, least: float) -> list[str]:
        """The heads with a score of at least `least`."""
        return [f"L{layer}H{head}" for layer, head in (self.values >= least).nonzero().tolist()]

    def has(self, label: str) -> bool:
        (layer, head), (layers, heads) = _indices(label), self.values.shape
        return layer < layers and head < heads

    def of(self, label: str) -> float:
        layer, head = _indices(label)
        return self.values[layer, head].item()

    def why_not(self, label: str) -> str:
        """What was measured of a head, in words. What is not a number was not measured."""
        if not self.details:
            return f"its {self.score} is {self.of(label):.2f}"
        measured = {what: values[_indices(label)].item() for what, values in self.details.items()}
        return ", ".join(f"{what} {value:.2f}" for what, value in measured.items() if not math.isnan(value))


def _indices(label: str) -> tuple[int, int]:
    layer, head = LABEL.fullmatch(label).groups()
    return int(layer), int(head)


def explain_labels(scores: HeadScores, labels: Any) -> Diagnosis | None:
    """What is wrong with a learner's list of labels, or None. Never says which heads are missing."""
    return next(_form(scores, labels), None) or next(_choice(scores, labels), None)


def _form(scores: HeadScores, labels: Any) -> Iterator[Diagnosis]:
    """Is it a list of labels of heads that exist?"""
    layers, heads = scores.values.shape
    if not isinstance(labels, list):
        came = "None" if labels is None else describe(labels)
        yield Diagnosis("not-a-list", f"this is {came}; wanted a list.", 'Write ["L0H1", "L1H2"].')
        return
    odd = [label for label in labels if not isinstance(label, str) or not LABEL.fullmatch(label)]
    if odd:
        yield Diagnosis(
            "not-labels",
            f"{odd[0]!r} is not a head's label; wanted a string such as 'L1H4'.",
            'For layer and head as numbers, f"L{layer}H{head}" makes the label.',
        )
        return
    strangers = [label for label in labels if not scores.has(label)]
    if strangers:
        yield Diagnosis(
            "no-such-head",
            f"the model has no head {strangers[0]}.",
            f"It has layers 0 to {layers - 1} and heads 0 to {heads - 1}. The layer comes first.",
        )
    for label in labels:
        if labels.count(label) > 1:
            yield Diagnosis("named-twice", f"{label} is in the list twice.", "Name each head once.")


def _choice(scores: HeadScores, labels: list[str]) -> Iterator[Diagnosis]:
    """Are they the right heads?"""
    sure, possible = set(scores.labels(scores.high)), set(scores.labels(scores.low))
    extra = [label for label in labels if label not in possible]
    missing = sure - set(labels)
    if not labels and sure:
        yield Diagnosis(
            "empty",
            f"the list is empty, but this model has {_some(len(sure), scores.kind)}.",
            scores.rule or "Look for the brightest cells of the heat map.",
        )
    if extra and len(labels) == scores.values.numel():
        yield Diagnosis(
            "all-heads",
            "every head of the model is in the list.",
            scores.rule
            or f"Name only those with a high {scores.score} ({scores.low} to {scores.high} is borderline).",
        )
    yield from _lookalikes(scores, labels, extra)
    swapped = {f"L{head}H{layer}" for layer, head in map(_indices, labels)}
    if extra and sure <= swapped <= possible:
        yield Diagnosis(
            "layer-and-head-swapped",
            "layer and head have changed places in the labels.",
            "L1H4 is head 4 of layer 1. In the heat map, rows are layers.",
        )
    if extra:
        more = f" (and {len(extra) - 1} more of the list)" if len(extra) > 1 else ""
        yield Diagnosis(
            "extra",
            f"{extra[0]}{more} is not {_article(scores.kind)}: {scores.why_not(extra[0])}.",
            scores.rule or f"Leave out the heads with {_article(scores.score)} below {scores.low}.",
        )
    if missing:
        which = f"{_some(len(missing), scores.kind)} of this model"
        yield Diagnosis(
            "missing",
            f"{which} {'is' if len(missing) == 1 else 'are'} missing.",
            scores.rule
            or f"Go through all layers: name every head with {_article(scores.score)} above {scores.high}.",
        )


def _lookalikes(scores: HeadScores, labels: list[str], extra: list[str]) -> Iterator[Diagnosis]:
    """All of them heads of another kind?"""
    for kind, values in scores.lookalikes.items():
        if extra == labels and all(values[_indices(label)] >= scores.high for label in labels) and labels:
            yield Diagnosis(
                "other-kind",
                f"{'these are' if len(labels) > 1 else 'this is'} {_some(len(labels), kind, count=False)}; "
                f"wanted {scores.kind}s.",
                scores.rule
                or f"Look at the {scores.score}, on random repeated tokens, and at no other pattern.",
            )


def _some(number: int, noun: str, count: bool = True) -> str:
    words = f"{noun}s" if number != 1 else noun if count else _article(noun)
    return f"{number} {words}" if count else words


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
