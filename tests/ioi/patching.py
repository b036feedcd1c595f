"""Checks of chapter 2: activation patching, its hooks and its sweeps."""

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from transformer_lens.utilities import get_act_name

from patchbook.checking import Case, call_as_hook, checks
from patchbook.checking.awkward import awkward_model, different_tokens, random_tokens
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.ioi.logit_differences import Metric, logit_difference
from patchbook.tests.ioi.prompts import attentive_model
from patchbook.tests.mistakes import patching as mistakes
from patchbook.tests.specifications import patching as specifications


def _hook_case(
    seed: int, argument: str, name: str, layer: int, batch: int, index: dict[str, int], **options
) -> Case:
    """The arguments of a patching hook, at a real hook point, from runs on two batches of prompts."""

    def arguments() -> dict[str, Any]:
        model = awkward_model(seed, **options)
        (_, corrupted), (_, clean) = (
            model.run_with_cache(random_tokens(2 * seed + run, batch, length=6)) for run in range(2)
        )
        hook = model.hook_dict[get_act_name(name, layer)]
        return {argument: corrupted[name, layer].clone(), "hook": hook, **index, "clean_cache": clean}

    where = ", ".join(f"{axis} {i}" for axis, i in index.items())
    kind = " in float64" if options else ""
    return Case(f"{name} of layer {layer}, {where}; {batch} prompts of 6{kind}", arguments)


def _as_hook(argument: str) -> dict[str, Any]:
    return {"call": call_as_hook, "may_change": frozenset({argument})}


_COMPONENT = "corrupted_residual_component"


@checks(specifications.patch_residual_component, mistakes.patch_residual_component, **_as_hook(_COMPONENT))
def test_patch_residual_component(seed: int) -> Iterator[Case]:
    """A hook that patches one position."""
    yield _hook_case(seed, _COMPONENT, "resid_pre", 1, 2, {"pos": 2})
    yield _hook_case(seed, _COMPONENT, "mlp_out", 2, 2, {"pos": 5})
    yield _hook_case(seed, _COMPONENT, "attn_out", 0, 3, {"pos": 0})
    yield _hook_case(seed, _COMPONENT, "resid_pre", 2, 3, {"pos": 4}, **DOUBLE)


_VECTOR = "corrupted_head_vector"


@checks(specifications.patch_head_vector, mistakes.patch_head_vector, **_as_hook(_VECTOR))
def test_patch_head_vector(seed: int) -> Iterator[Case]:
    """A hook that patches one head's vectors."""
    yield _hook_case(seed, _VECTOR, "z", 1, 2, {"head_index": 1})
    yield _hook_case(seed, _VECTOR, "q", 2, 2, {"head_index": 4})
    yield _hook_case(seed, _VECTOR, "v", 0, 3, {"head_index": 0})
    yield _hook_case(seed, _VECTOR, "k", 1, 4, {"head_index": 3}, **DOUBLE)


_PATTERN = "corrupted_head_pattern"


@checks(specifications.patch_attn_patterns, mistakes.patch_attn_patterns, **_as_hook(_PATTERN))
def test_patch_attn_patterns(seed: int) -> Iterator[Case]:
    """A hook that patches one head's attention pattern."""
    yield _hook_case(seed, _PATTERN, "pattern", 1, 2, {"head_index": 1})
    yield _hook_case(seed, _PATTERN, "pattern", 2, 2, {"head_index": 4})
    yield _hook_case(seed, _PATTERN, "pattern", 0, 3, {"head_index": 0})
    yield _hook_case(seed, _PATTERN, "pattern", 1, 4, {"head_index": 3}, **DOUBLE)


def share_of_the_way(answers: Tensor, corrupted_logits: Tensor, clean_logits: Tensor) -> Metric:
    """The logit difference, 0 where the corrupted run is and 1 where the clean run is."""
    difference = logit_difference(answers)
    corrupted, clean = difference(corrupted_logits), difference(clean_logits)
    return lambda logits: (difference(logits) - corrupted) / (clean - corrupted)


def log_probability(answers: Tensor) -> Metric:
    """Mean log-probability of the right answers over all positions, not the last alone."""
    return lambda logits: logits.log_softmax(-1)[torch.arange(len(answers)), :, answers[:, 0]].mean()


def _patching_arguments(seed: int, kind: str, batch: int, length: int, **model: Any) -> dict[str, Any]:
    """Prompts to run, the cache of other prompts to patch from, and the metric that `kind` names."""
    built, answers = attentive_model(seed, **model), different_tokens(seed, batch)
    prompts, others = (random_tokens(2 * seed + run, batch, length) for run in range(2))
    (logits, _), (other_logits, cache) = built.run_with_cache(prompts), built.run_with_cache(others)
    ends = (logits, other_logits)  # (corrupted, clean)
    metrics = {
        "logit difference": logit_difference(answers),
        "share of the way": share_of_the_way(answers, *(ends[::-1] if kind.startswith("noising") else ends)),
        "log-probability": log_probability(answers),
    }
    return {
        "model": built,
        "corrupted_tokens": prompts,
        "clean_cache": cache,
        "patching_metric": next(metric for name, metric in metrics.items() if name in kind),
    }


def sweep_cases(seed: int, small: dict[str, int], large: dict[str, int], most: int = 6) -> Iterator[Case]:
    """The cases of a sweep: three models, three metrics, both directions.

    The first one is tiny: every known mistake is run on it, and nearly all differ from the answer there.
    most: positions in the largest case; no axis may be as long as another.
    """
    tiny = small | {"n_layers": 1, "n_heads": 2}
    rows = (
        ("denoising: clean cache into corrupted prompts; logit difference", 4, 3, tiny),
        ("noising: corrupted cache into clean prompts; share of the way", 2, most, large),
        ("denoising in float64; log-probability at all positions", 2, 5, small | DOUBLE),
    )
    for kind, batch, length, sizes in rows:
        layers, heads = sizes.get("n_layers", 3), sizes.get("n_heads", 5)
        yield Case(
            f"{layers} layer{'s' * (layers > 1)}, {heads} heads, {batch} prompts of {length}; {kind}",
            functools.partial(_patching_arguments, seed, kind, batch, length, **sizes),
        )


@checks(specifications.get_act_patch_resid_pre, mistakes.get_act_patch_resid_pre)
def test_get_act_patch_resid_pre(seed: int) -> Iterator[Case]:
    """Patching the residual stream before each layer, one position at a time."""
    yield from sweep_cases(seed, {"n_layers": 2}, {})


@checks(specifications.get_act_patch_block_every, mistakes.get_act_patch_block_every)
def test_get_act_patch_block_every(seed: int) -> Iterator[Case]:
    """Patching resid_pre, attn_out and mlp_out, one position at a time."""
    yield from sweep_cases(seed, {"n_layers": 2}, {"n_layers": 4}, most=2)  # three rows: not three layers


@checks(specifications.get_act_patch_attn_head_out_all_pos, mistakes.get_act_patch_attn_head_out_all_pos)
def test_get_act_patch_attn_head_out_all_pos(seed: int) -> Iterator[Case]:
    """Patching each head's output, at all positions."""
    yield from sweep_cases(seed, {"n_layers": 2, "n_heads": 3}, {})


@checks(specifications.get_act_patch_attn_head_all_pos_every, mistakes.get_act_patch_attn_head_all_pos_every)
def test_get_act_patch_attn_head_all_pos_every(seed: int) -> Iterator[Case]:
    """Patching each head's z, q, k, v and pattern, at all positions."""
    yield from sweep_cases(seed, {"n_layers": 2, "n_heads": 3}, {"n_heads": 2})  # five rows: not five heads
