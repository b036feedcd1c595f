"""Checks of chapter 1: the induction score of every head."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens.hook_points import HookPoint

from patchbook.checking import Case, checks
from patchbook.checking.calling import innermost
from patchbook.tests.induction_heads.patterns import uniform
from patchbook.tests.mistakes import induction_score as mistakes
from patchbook.tests.specifications import induction_score as specifications


def _causal_patterns(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random attention patterns: rows sum to 1, no query sees a later key."""
    patterns = uniform(seed, *shape, dtype=dtype).exp().tril()
    return patterns / patterns.sum(-1, keepdim=True)


STORE = "induction_score_store"


def _fill_store(implementation: Any, arguments: dict[str, Any]) -> Any:
    """Call the hook for every layer, the last one first, with a store of the right size in its globals.

    Gives the store; or what the hook returned, when TransformerLens would put that in the pattern's place.
    """
    patterns, hooks = arguments["patterns"], arguments["hooks"]
    store = torch.full((len(patterns), patterns[0].shape[1]), -1.0, dtype=patterns[0].dtype)
    with _lent(implementation, STORE, store) as names:
        for layer in reversed(patterns):
            returned = implementation(patterns[layer], hook=hooks[layer])
            if returned is not None and returned is not patterns[layer]:
                return returned
        return names[STORE]


@contextlib.contextmanager
def _lent(implementation: Any, name: str, value: Any) -> Iterator[dict[str, Any]]:
    """A value under a global name of the function's own notebook (or file), for as long as the block runs."""
    names = getattr(innermost(implementation), "__globals__", {})
    before = {name: names[name]} if name in names else {}
    names[name] = value
    try:
        yield names
    finally:
        del names[name]
        names.update(before)


@checks(
    specifications.induction_score_hook,
    mistakes.induction_score_hook,
    call=_fill_store,
    gives=Float[Tensor, "layer head"],
)
def test_induction_score_hook(seed: int) -> Iterator[Case]:
    """Each head's induction score, written into the store by a hook."""
    rows = ((0, 6, 2, torch.float32), (1, 4, 3, torch.float64), (2, 20, 1, torch.float32))
    for index, seq_len, batch, dtype in rows:
        yield Case(
            f"batch {batch}, seq_len {seq_len}, 3 layers, 5 heads; the store holds -1 before",
            functools.partial(_patterns_and_hooks, seed + index, batch, 1 + 2 * seq_len, dtype),
        )


def _patterns_and_hooks(seed: int, batch: int, length: int, dtype: torch.dtype) -> dict[str, Any]:
    """For each layer a pattern, and the hook point that would hand it over in a run of a model."""
    patterns = _causal_patterns(seed, 3, batch, 5, length, length, dtype=dtype)
    hooks = {layer: HookPoint() for layer in range(3)}
    for layer, hook in hooks.items():
        hook.name = f"blocks.{layer}.attn.hook_pattern"
    return {"patterns": dict(enumerate(patterns)), "hooks": hooks}
