"""Checks of chapter 0: hooks and caches."""

from collections.abc import Iterator
from typing import Any

import torch
from transformer_lens.hook_points import HookPoint

from patchbook.checking import Case, call_as_hook, checks
from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.tests.mistakes import hooks_and_caches as mistakes
from patchbook.tests.specifications import hooks_and_caches as specifications


def _random(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _queries_and_keys(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    return {"q": _random(seed, *shape, dtype=dtype), "k": _random(seed + 1, *shape, dtype=dtype)}


def _cached_queries_and_keys(seed: int) -> dict[str, Any]:
    _, cache = awkward_model(seed).run_with_cache(random_tokens(seed))
    return {"q": cache["q", 1].detach(), "k": cache["k", 1].detach()}


@checks(specifications.attention_from_q_and_k, mistakes.attention_from_q_and_k)
def test_attention_from_q_and_k(seed: int) -> Iterator[Case]:
    """Attention patterns from queries and keys."""
    yield Case("2 prompts of 6, 3 heads of 5", lambda: _queries_and_keys(seed, 2, 6, 3, 5))
    yield Case("one prompt of 1 token", lambda: _queries_and_keys(seed + 10, 1, 1, 4, 3))
    yield Case("float64", lambda: _queries_and_keys(seed + 20, 3, 4, 2, 7, dtype=torch.float64))
    yield Case("large scores", lambda: {n: 20 * t for n, t in _queries_and_keys(seed, 1, 7, 2, 9).items()})
    yield Case("a model's cached q and k", lambda: _cached_queries_and_keys(seed))


@checks(
    specifications.zero_ablate_head_hook,
    mistakes.zero_ablate_head_hook,
    call=call_as_hook,
    may_change=frozenset({"z"}),
)
def test_zero_ablate_head_hook(seed: int) -> Iterator[Case]:
    """A hook that sets one head's output to zero."""
    for head in (1, 0, 4):
        yield Case(
            f"head {head} of 5, 2 prompts of 6",
            lambda head=head: {
                "z": _random(seed + head, 2, 6, 5, 7) + 2.0,
                "hook": HookPoint(),
                "head_index": head,
            },
        )


def _edit_each(implementation: Any, arguments: dict[str, Any]) -> Any:
    """Edit every copy by its own amount, then the cache: in shared memory the amounts add up."""
    cache = arguments["cache"]
    copies = implementation(cache)
    if isinstance(copies, dict):
        _edit_ends(copies)
        _edit_ends(cache.cache_dict, 1000)
    return copies


@torch.inference_mode()  # whoever made them in this mode may edit them in no other
def _edit_ends(tensors: dict[str, torch.Tensor], first: int = 1) -> None:
    """Add first, first + 1, … to both ends of each tensor. (Not to all of it: some are broadcast views.)"""
    for amount, tensor in enumerate(filter(torch.is_tensor, tensors.values()), first):
        for end in (0, -1):
            tensor[(end,) * tensor.dim()].add_(amount)


@checks(
    specifications.cache_without_aliases,
    mistakes.cache_without_aliases,
    call=_edit_each,
    may_change=frozenset({"cache"}),
)
def test_cache_without_aliases(seed: int) -> Iterator[Case]:
    """A cache whose entries share no memory."""

    def arguments(model_seed: int) -> dict[str, Any]:
        _, cache = awkward_model(model_seed).run_with_cache(random_tokens(seed, length=5))
        return {"cache": cache}

    yield Case("a 3-layer model, every entry edited once", lambda: arguments(seed))
    yield Case("the same, other weights", lambda: arguments(seed + 1))


def _layer_norm_and_reader(
    seed: int, d_model: int, d_out: int, dtype: torch.dtype = torch.float32
) -> dict[str, Any]:
    weight, bias = 1.0 + 0.5 * _random(seed, d_model, dtype=dtype), _random(seed + 1, d_model, dtype=dtype)
    W, b = _random(seed + 2, d_model, d_out, dtype=dtype), _random(seed + 3, d_out, dtype=dtype)
    return {"weight": weight, "bias": bias, "W": W, "b": b}


@checks(specifications.fold_layer_norm, mistakes.fold_layer_norm)
def test_fold_layer_norm(seed: int) -> Iterator[Case]:
    """LayerNorm's weight and bias, moved into the layer that reads next."""
    yield Case("d_model 6, d_out 4", lambda: _layer_norm_and_reader(seed, 6, 4))
    yield Case("d_model 20, d_out 33", lambda: _layer_norm_and_reader(seed + 10, 20, 33))
    yield Case("d_model and d_out 5", lambda: _layer_norm_and_reader(seed + 20, 5, 5))
    yield Case("float64", lambda: _layer_norm_and_reader(seed + 30, 7, 3, dtype=torch.float64))


@checks(specifications.center_writing_weights, mistakes.center_writing_weights)
def test_center_writing_weights(seed: int) -> Iterator[Case]:
    """Weights that write no mean into the residual stream."""
    yield Case("W_O of 5 heads: 5 by 7 by 20", lambda: {"W": 0.5 + _random(seed, 5, 7, 20)})
    yield Case("W_E: 97 by 12", lambda: {"W": _random(seed + 1, 97, 12) - 0.3})
    yield Case("a bias: 15", lambda: {"W": 1.0 + _random(seed + 2, 15)})
    yield Case("float64", lambda: {"W": 0.2 + _random(seed + 3, 4, 9, dtype=torch.float64)})
