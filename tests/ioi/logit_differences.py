"""Checks of chapter 2: logit differences, of prompts and along the residual stream."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.checking import Case, checks
from patchbook.checking.awkward import VOCAB, awkward_model, different_tokens, random_tokens
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import logit_differences as mistakes
from patchbook.tests.specifications import logit_differences as specifications

Metric = Callable[[Tensor], Tensor]


def _logits_and_answers(seed: int, batch: int, per_prompt: bool | None = None, **options) -> dict[str, Any]:
    """Random logits over 6 positions; per_prompt None: not given."""
    arguments = {
        "logits": 2 * randn(seed, batch, 6, VOCAB, **options),
        "answer_tokens": different_tokens(seed, batch),
    }
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


def _a_models_logits(seed: int) -> dict[str, Any]:
    logits = awkward_model(seed)(random_tokens(seed, batch=3, length=6))
    return {"logits": logits, "answer_tokens": different_tokens(seed, 3)}


@checks(
    specifications.logits_to_ave_logit_diff,
    mistakes.logits_to_ave_logit_diff,
)
def test_logits_to_ave_logit_diff(seed: int) -> Iterator[Case]:
    """The logit difference at the last position, on average or for each prompt."""
    yield Case("2 prompts of 6, per_prompt not given (False)", lambda: _logits_and_answers(seed, 2))
    yield Case("4 prompts, per_prompt True", lambda: _logits_and_answers(seed + 1, 4, True))
    yield Case("5 prompts, per_prompt False", lambda: _logits_and_answers(seed + 2, 5, False))
    double = functools.partial(_logits_and_answers, seed + 3, 1, True, **DOUBLE)
    yield Case("1 prompt in float64, per_prompt True", double)
    yield Case("a model's logits of 3 prompts", lambda: _a_models_logits(seed))


def _parts_of(model: TransformerBridge, cache, kind: str) -> Tensor:
    """Residual stream at the last position: all of it, as it grows, or what each head writes."""
    layers = range(model.cfg.n_layers)
    if kind == "the final residual stream":
        return cache["resid_post", layers[-1]][:, -1]
    if kind == "the stream before each layer and at the end":
        return torch.stack(
            [*(cache["resid_pre", i][:, -1] for i in layers), cache["resid_post", layers[-1]][:, -1]]
        )
    z = torch.stack([cache["z", i][:, -1] for i in layers])  # (layer, batch, head, d_head)
    return torch.einsum("lbhd,lhdm->lhbm", z, model.W_O)


def _stack_and_directions(seed: int, kind: str, batch: int, **options) -> dict[str, Any]:
    model = awkward_model(seed, **options)
    _, cache = model.run_with_cache(random_tokens(seed, batch, length=6))
    right, wrong = different_tokens(seed, batch).T
    directions = (model.W_U[:, right] - model.W_U[:, wrong]).T
    return {
        "residual_stack": _parts_of(model, cache, kind),
        "cache": cache,
        "logit_diff_directions": directions,
    }


@checks(specifications.residual_stack_to_logit_diff, mistakes.residual_stack_to_logit_diff)
def test_residual_stack_to_logit_diff(seed: int) -> Iterator[Case]:
    """What each component adds to the logit difference."""
    rows = (
        ("the stream before each layer and at the end", 2, {}, "(component, batch, d_model)"),
        ("the final residual stream", 3, {}, "(batch, d_model)"),
        ("every head", 4, DOUBLE, "(layer, head, batch, d_model) in float64"),
        ("every head", 1, {}, "(layer, head, batch, d_model), one prompt"),
    )
    for kind, batch, options, axes in rows:
        build = functools.partial(_stack_and_directions, seed, kind, batch, **options)
        yield Case(f"{kind}, {axes}; {batch} prompts", build)


def metric_cases(seed: int, rows: tuple, logits_and_answers: Callable) -> Iterator[Case]:
    """A metric between two given ends. Rows: text, prompts, corrupted and clean logit difference, options."""
    for index, (text, batch, corrupted, clean, options) in enumerate(rows):

        def arguments(index=index, batch=batch, corrupted=corrupted, clean=clean, options=options):
            ends = {"corrupted_logit_diff": corrupted, "clean_logit_diff": clean}
            return logits_and_answers(seed + index, batch, **options) | ends

        yield Case(text, arguments, raises=ValueError if clean == corrupted else None)


@checks(specifications.ioi_metric, mistakes.ioi_metric)
def test_ioi_metric(seed: int) -> Iterator[Case]:
    """The logit difference on a scale from corrupted (0) to clean (1)."""
    rows = (
        ("2 prompts of 6, corrupted -1.3, clean 2.9", 2, -1.3, 2.9, {}),
        ("3 prompts in float64, corrupted 0.7, clean -2.2", 3, 0.7, -2.2, DOUBLE),
    )
    yield from metric_cases(seed, rows, _logits_and_answers)
    yield Case("4 prompts, better than the clean run", lambda: _off_the_scale(seed + 2, -3, -1))
    yield Case("4 prompts, worse than the corrupted run", lambda: _off_the_scale(seed + 3, 1, 4))


def _off_the_scale(seed: int, corrupted: float, clean: float) -> dict[str, Any]:
    """Both ends are given by how far they are from the logit difference of these logits."""
    arguments = _logits_and_answers(seed, 4)
    difference = logit_difference(arguments["answer_tokens"])(arguments["logits"]).item()
    ends = {"corrupted_logit_diff": difference + corrupted, "clean_logit_diff": difference + clean}
    return arguments | ends


def logit_difference(answers: Tensor) -> Metric:
    """Mean logit difference at the last position."""

    def metric(logits: Tensor) -> Tensor:
        right, wrong = logits[:, -1].gather(1, answers).T
        return (right - wrong).mean()

    return metric
