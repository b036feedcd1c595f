"""Checks of chapter 2: path patching, its hooks and its sweeps."""

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.utilities import get_act_name

from patchbook.checking import Case, call_as_hook, checks
from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.prompts.ioi import IOIDataset
from patchbook.tests.ioi.prompts import attentive_model, random_prompts
from patchbook.tests.mistakes import path_patching as mistakes
from patchbook.tests.specifications import path_patching as specifications


def _z_cache(model: TransformerBridge, tokens: Tensor) -> ActivationCache:
    return model.run_with_cache(tokens, names_filter=lambda name: name.endswith("hook_z"))[1]


def _a_hook_on_heads(seed: int, layer: int, name: str = "z", **options) -> tuple[Any, ...]:
    """A random activation, its hook point, and the caches of two runs: of other prompts, of other words."""
    model = awkward_model(seed, **options)
    hook = model.hook_dict[get_act_name(name, layer)]
    caches = [model.run_with_cache(random_tokens(seed + run, 4, 6))[1] for run in range(2)]
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
    yield Case("a layer after the sender's", lambda: _freeze_arguments(seed, 2, (1, 2)))
    yield Case("a layer before the sender's", lambda: _freeze_arguments(seed, 0, (1, 2)))
    yield Case("layer 2, sender L2H0", lambda: _freeze_arguments(seed + 1, 2, (2, 0)))
    yield Case("float64", lambda: _freeze_arguments(seed + 2, 2, (2, 1), **DOUBLE))


def _input_arguments(seed: int, layer: int, heads: list, name: str = "q", **options) -> dict[str, Any]:
    activation, hook, patched, _ = _a_hook_on_heads(seed, layer, name, **options)
    return {"orig_activation": activation, "hook": hook, "patched_cache": patched, "head_list": list(heads)}


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
    yield Case("values of layer 1", lambda: _input_arguments(seed, 1, heads, "v"))
    yield Case("a layer without receivers", lambda: _input_arguments(seed, 0, [(2, 3), (1, 4)], "k"))
    yield Case("float64", lambda: _input_arguments(seed + 1, 1, [(1, 2), (1, 0)], **DOUBLE))


def _path_arguments(seed: int, given: str | None = None, batch: int = 3, **options) -> dict[str, Any]:
    """Arguments that both path patches share, from the model on.

    given: the caches that are handed over, "new", "orig" or "new, orig"; the other is None. None: neither is.
    """
    model = attentive_model(seed, **options)
    new, orig = random_prompts(seed + 1, batch), random_prompts(seed, batch)
    arguments = {
        "model": model,
        "patching_metric": functools.partial(_logit_difference_at_the_ends, orig),
        "new_dataset": new,
        "orig_dataset": orig,
    }
    caches = {"new": new.toks, "orig": orig.toks} if given else {}
    return arguments | {
        f"{name}_cache": _z_cache(model, tokens) if name in given else None for name, tokens in caches.items()
    }


def _logit_difference_at_the_ends(prompts: IOIDataset, logits: Tensor) -> Tensor:
    """Mean logit difference, each prompt read at its own end."""
    rows = torch.arange(len(prompts))
    right, wrong = logits[rows, prompts.word_idx["end"]].gather(1, prompts.answer_tokens).T
    return (right - wrong).mean()


@checks(
    specifications.get_path_patch_head_to_final_resid_post,
    mistakes.get_path_patch_head_to_final_resid_post,
)
def test_get_path_patch_head_to_final_resid_post(seed: int) -> Iterator[Case]:
    """Path patching from every head to the end of the residual stream."""
    yield Case("3 layers of 2 heads, no caches given", lambda: _path_arguments(seed, n_heads=2))
    yield Case("3 layers of 5 heads, both caches given", lambda: _path_arguments(seed + 2, "new, orig"))
    small = {"n_layers": 2, "n_heads": 3}
    yield Case("2 layers of 3 heads, only new_cache given", lambda: _path_arguments(seed + 3, "new", **small))
    only_orig = functools.partial(_path_arguments, seed + 4, "orig", **small, **DOUBLE)
    yield Case("2 layers of 3 heads in float64, only orig_cache given", only_orig)


@checks(
    specifications.get_path_patch_head_to_heads,
    mistakes.get_path_patch_head_to_heads,
)
def test_get_path_patch_head_to_heads(seed: int) -> Iterator[Case]:
    """Path patching from every earlier head to the queries, keys or values of some heads."""
    rows = (
        ("queries of L2H0 and L2H1, no caches given", [(2, 0), (2, 1)], "q", None, {"n_heads": 2}),
        ("keys of L2H0 and L1H3, only orig_cache given", [(2, 0), (1, 3)], "k", "orig", {"n_heads": 4}),
        ("values of L1H2 alone, float64, only new_cache given", [(1, 2)], "v", "new", DOUBLE),
        ("values of L0H3, L2H2, L1H1, both caches given", [(0, 3), (2, 2), (1, 1)], "v", "new, orig", {}),
    )
    for number, (text, heads, name, given, options) in enumerate(rows):
        yield Case(
            text, functools.partial(_receiver_arguments, seed + 2 * number, heads, name, given, options)
        )


def _receiver_arguments(
    seed: int, heads: list, name: str, given: str | None, options: dict
) -> dict[str, Any]:
    receivers = {"receiver_heads": list(heads), "receiver_input": name}
    return receivers | _path_arguments(seed, given, **options)
