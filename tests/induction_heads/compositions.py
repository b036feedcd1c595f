"""Checks of chapter 1: through which door layer 0 can reach layer 1."""

import functools
from collections.abc import Iterator

import torch

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_attn_only, awkward_model
from patchbook.tests.mistakes import compositions as mistakes
from patchbook.tests.specifications import compositions as specifications

_READY_MADE = (
    "transformer_lens.utilities.matrix.composition_scores",
    "transformer_lens.model_bridge.transformer_bridge.TransformerBridge.all_composition_scores",
)


@checks(specifications.composition_scores, mistakes.composition_scores, ready_made=_READY_MADE)
def test_composition_scores(seed: int) -> Iterator[Case]:
    """How much layer 0's heads write into the queries, keys and values of layer 1's."""
    rows = (
        ("attention-only model", awkward_attn_only, "Q", {}),
        ("attention-only model", awkward_attn_only, "K", {}),
        ("attention-only model", awkward_attn_only, "V", {}),
        ("GPT-2-like model in float64", awkward_model, "V", {"dtype": torch.float64}),
        ("GPT-2-like model", awkward_model, "Q", {}),
    )
    for number, (text, model, kind, options) in enumerate(rows):
        build = functools.partial(model, seed + number, **options)
        yield Case(f"{text}, {kind}", lambda b=build, k=kind: {"model": b(), "kind": k})
    for kind in ("O", "QK"):
        arguments = functools.partial(lambda kind: {"model": awkward_attn_only(seed), "kind": kind}, kind)
        yield Case(f"the kind {kind!r}, which there is not", arguments, raises=ValueError)
