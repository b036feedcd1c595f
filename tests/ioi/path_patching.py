"""Checks of chapter 2: path patching, its hooks and its sweeps."""

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.utilities import get_act_name

from patchbook.checking import Case, call_as_hook, checks
from patchbook.checking.awkward import awkward_model, different_tokens, random_tokens
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.ioi.prompts import random_prompts
from patchbook.tests.mistakes import path_patching as mistakes
from patchbook.tests.specifications import path_patching as specifications


def _z_cache(model: TransformerBridge, tokens: Tensor) -> ActivationCache:
    with torch.no_grad():
        return model.run_with_cache(tokens, names_filter=lambda name: name.endswith("hook_z"))[1]


def _a_hook_on_heads(seed: int, layer: int, name: str = "z", **options) -> tuple[Any, ...]:
    """A random activation, its hook point, and the caches of two runs: of other prompts, of other words."""
    model = awkward_model(seed, **options)
    hook = model.hook_dict[get_act_name(name, layer)]
    caches = []
    for offset in (0, 1):
        with torch.no_grad():
            caches.append(model.run_with_cache(random_tokens(seed + offset, 4, 6))[1])
    activation = randn(seed, 4, 6, 5, 7, dtype=model.W_E.dtype)
    return activation, hook, *caches


def _freeze_arguments(seed: int, layer: int, sender: tuple[int, int], **options) -> dict[str, Any]:
    activation, hook, new, orig = _a_hook_on_heads(seed, layer, **options)
    arguments = {"orig_head_vector": activation, "hook": hook, "new_cache": new, "orig_cache": orig}
    return arguments | {"head_to_patch": sender}


@checks(
    specifications.patch_or_freeze_head_vectors,
    mistakes.patch_or_freeze_head_vectors,
    call=call_as_hook,
    may_change=frozenset({"orig_head_vector"}),
)
def test_patch_or_freeze_head_vectors(seed: int) -> Iterator[Case]:
    """A hook that freezes every head but the sender."""
    yield Case("the sender's own layer, L1H2", lambda: _freeze_arguments(seed, 1, (1, 2)))
    yield Case("another layer than the sender's", lambda: _freeze_arguments(seed, 2, (1, 2)), grad=False)
    yield Case("layer 2, sender L2H0", lambda: _freeze_arguments(seed + 1, 2, (2, 0)))
    yield Case("float64", lambda: _freeze_arguments(seed + 2, 2, (2, 1), **DOUBLE), grad=False)


def _input_arguments(seed: int, layer: int, heads: list, name: str = "q", **options) -> dict[str, Any]:
    activation, hook, patched, _ = _a_hook_on_heads(seed, layer, name, **options)
    return {"orig_activation": activation, "hook": hook, "patched_cache": patched, "head_list": heads}


@checks(
    specifications.patch_head_input,
    mistakes.patch_head_input,
    call=call_as_hook,
    may_change=frozenset({"orig_activation"}),
)
def test_patch_head_input(seed: int) -> Iterator[Case]:
    """A hook that gives the receivers what they heard in another run."""
    heads = [(0, 1), (2, 1), (1, 2), (2, 0), (1, 0)]
    yield Case("queries of layer 2, receivers in three layers", lambda: _input_arguments(seed, 2, heads))
    yield Case("values of layer 1", lambda: _input_arguments(seed, 1, heads, "v"), grad=False)
    yield Case("a layer without receivers", lambda: _input_arguments(seed, 0, [(2, 3), (1, 4)], "k"))
    yield Case("float64", lambda: _input_arguments(seed + 1, 1, [(1, 2), (1, 0)], **DOUBLE), grad=False)


def _last_logit_difference(answers: Tensor, logits: Tensor) -> Tensor:
    """Mean logit difference at the last position."""
    pairs = logits[:, -1].gather(1, answers)
    return (pairs[:, 0] - pairs[:, 1]).mean()


def _path_arguments(seed: int, cached: bool = False, **options) -> dict[str, Any]:
    """Arguments that both path patches share, from the model on."""
    model = awkward_model(seed, **options)
    new, orig = random_prompts(seed + 1, batch=2), random_prompts(seed, batch=2)
    answers = different_tokens(seed, 2)
    arguments = {
        "model": model,
        "patching_metric": functools.partial(_last_logit_difference, answers),
        "new_dataset": new,
        "orig_dataset": orig,
    }
    if cached:
        arguments |= {"new_cache": _z_cache(model, new.toks), "orig_cache": _z_cache(model, orig.toks)}
    return arguments


@checks(
    specifications.get_path_patch_head_to_final_resid_post,
    mistakes.get_path_patch_head_to_final_resid_post,
)
def test_get_path_patch_head_to_final_resid_post(seed: int) -> Iterator[Case]:
    """Path patching from every head to the end of the residual stream."""
    yield Case("3 layers of 5 heads, no caches given", lambda: _path_arguments(seed), grad=False)
    yield Case("caches of z given", lambda: _path_arguments(seed + 2, cached=True))
    yield Case("float64", lambda: _path_arguments(seed + 4, **DOUBLE), grad=False)


def _receiver_arguments(seed: int, heads: list, name: str, **options) -> dict[str, Any]:
    return {"receiver_heads": heads, "receiver_input": name} | _path_arguments(seed, **options)


@checks(
    specifications.get_path_patch_head_to_heads,
    mistakes.get_path_patch_head_to_heads,
)
def test_get_path_patch_head_to_heads(seed: int) -> Iterator[Case]:
    """Path patching from every earlier head to the queries, keys or values of some heads."""
    receivers = _receiver_arguments
    yield Case("queries of L2H1 and L2H4", lambda: receivers(seed, [(2, 1), (2, 4)], "q"), grad=False)
    yield Case("keys of L2H0 and L1H3", lambda: receivers(seed + 2, [(2, 0), (1, 3)], "k", cached=True))
    yield Case("values of L1H2 alone, float64", lambda: receivers(seed, [(1, 2)], "v", **DOUBLE), grad=False)
    yield Case("values of L1H3, L2H2, L2H3", lambda: receivers(seed + 4, [(1, 3), (2, 2), (2, 3)], "v"))
