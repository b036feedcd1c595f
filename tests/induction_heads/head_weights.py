"""Checks of chapter 1: OV circuits and composition, from the weights alone."""

import functools
from collections.abc import Iterator

import torch

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_attn_only, awkward_model
from patchbook.checking.prepared import (
    matrices_apart,
    one_head_of_a_model,
    partial_copier,
    tiny_gpt2,
    two_matrices,
)
from patchbook.tests.mistakes import head_weights as mistakes
from patchbook.tests.specifications import head_weights as specifications


@checks(specifications.full_OV_circuit, mistakes.full_OV_circuit)
def test_full_OV_circuit(seed: int) -> Iterator[Case]:
    """A head's map from source tokens to output logits."""
    rows = (
        ("GPT-2-like model, layer 2, head 1", awkward_model, 2, 1, {}),
        ("attention-only model, layer 1, head 0", awkward_attn_only, 1, 0, {}),
        ("GPT-2-like model in float64, layer 0, head 2", awkward_model, 0, 2, {"dtype": torch.float64}),
    )
    for text, model, layer, head, options in rows:
        build = functools.partial(model, seed + layer, **options)
        yield Case(text, lambda b=build, i=layer, h=head: {"model": b(), "layer": i, "head_index": h})


@checks(specifications.top_1_accuracy, mistakes.top_1_accuracy)
def test_top_1_accuracy(seed: int) -> Iterator[Case]:
    """How many tokens a head copies."""
    rows = (
        ("97 tokens, rank 7, some copied", lambda: partial_copier(seed, 97, 7, 1.0)),
        ("300 tokens, rank 12, most copied", lambda: partial_copier(seed + 1, 300, 12, 2.0)),
        ("150 tokens, rank 9, nearly none copied", lambda: partial_copier(seed + 2, 150, 9, -1.5)),
        ("120 tokens in float64", lambda: partial_copier(seed + 3, 120, 8, 0.5, torch.float64)),
        ("1300 tokens, more than one piece of 1000", lambda: partial_copier(seed + 4, 1300, 10, 1.0)),
        ("one head of a random model", lambda: one_head_of_a_model(seed)),
    )
    for text, matrix in rows:
        yield Case(text, lambda build=matrix: {"full_OV_circuit": build()})


_COMPOSITION = (
    "transformer_lens.utilities.matrix.composition_scores",
    "transformer_lens.model_bridge.transformer_bridge.TransformerBridge.all_composition_scores",
)


@checks(specifications.get_comp_score, mistakes.get_comp_score, ready_made=_COMPOSITION)
def test_get_comp_score(seed: int) -> Iterator[Case]:
    """How well one matrix reads what another writes."""
    yield Case("W_A 6 by 9, W_B 9 by 6", lambda: two_matrices(seed, 6, 9))
    yield Case("W_A 20 by 4, W_B 4 by 20", lambda: two_matrices(seed + 1, 20, 4))
    yield Case("two 7 by 7 matrices, float64", lambda: two_matrices(seed + 2, 7, 7, torch.float64))
    yield Case("two 8 by 8 matrices, W_B reads next to nothing of W_A", lambda: matrices_apart(seed + 3))


@checks(specifications.k_composition_scores, mistakes.k_composition_scores, ready_made=_COMPOSITION)
def test_k_composition_scores(seed: int) -> Iterator[Case]:
    """How much layer 0's heads write into the keys of layer 1's."""
    yield Case("attention-only model, 2 layers of 5 heads", lambda: {"model": awkward_attn_only(seed)})
    yield Case("GPT-2-like model, 3 layers of 5 heads", lambda: {"model": awkward_model(seed)})
    yield Case("the same in float64", lambda: {"model": awkward_model(seed + 1, dtype=torch.float64)})
    yield Case("tiny-gpt2", lambda: {"model": tiny_gpt2(seed)})
