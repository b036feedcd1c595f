"""What the cases of chapter 1 share: attention patterns, a model's own and made to order."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.checking import Case
from patchbook.checking.designed import Condition, cache_of_patterns, clear_threshold, detector_patterns
from patchbook.checking.prepared import repeated_tokens, tiny_gpt2


def uniform(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@functools.lru_cache(maxsize=8)
def cached_patterns(build: Callable[[int], TransformerBridge], seed: int) -> Tensor:
    """A model's patterns on [any token, half, same half]: (layer, head, query, key). Clone before use."""
    model = build(seed)
    _, cache = model.run_with_cache(repeated_tokens(seed, 1, 5), remove_batch_dim=True)
    return torch.stack([cache["pattern", layer].detach() for layer in range(model.cfg.n_layers)])


def same(query: int) -> int:
    return query


def previous(query: int) -> int:
    return query - 1


def two_before(query: int) -> int:
    return query - 2


def first_key(query: int) -> int:
    return 0


def second_key(query: int) -> int:
    return 1


def first_or_second(query: int) -> int:
    return query % 2


def detector_case(text: str, seed: int, plan: dict[str, Any], **after: Any) -> Case:
    """A case whose cache has patterns made to order. after: the arguments after the cache."""
    patterns = functools.cache(lambda: detector_patterns(seed, **plan))  # made once, copied each time
    return Case(text, lambda: {"cache": cache_of_patterns(patterns()), **after})


def tiny_case(seed: int, before: dict[str, Any], condition: Condition | None = None) -> Case:
    """tiny-gpt2's own patterns, and a threshold that no head is close to."""
    patterns = cached_patterns(tiny_gpt2, seed)
    threshold = clear_threshold(patterns, condition or before["condition"])
    return Case(
        f"tiny-gpt2 on random repeats, threshold {threshold}",
        lambda: {"cache": cache_of_patterns(patterns), **before, "threshold": threshold},
    )
