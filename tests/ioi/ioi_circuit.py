"""Checks of chapter 2: everything but a circuit mean-ablated, and minimality."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.ioi.prompts import random_prompts
from patchbook.tests.mistakes import ioi_circuit as mistakes
from patchbook.tests.specifications import ioi_circuit as specifications

CIRCUIT = {"senders": [(0, 1), (1, 0)], "movers": [(1, 2), (2, 4)], "readers": [(0, 3), (2, 0)]}


POSITIONS = {"senders": "S1+1", "movers": "end", "readers": "S2"}


def _run_twice(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """Logits of the ablated model, and again after reset_hooks(): permanent hooks must still be there."""
    *given, tokens = arguments.values()
    ablated = implementation(*given) or arguments["model"]
    runs = [ablated(tokens)]
    if isinstance(ablated, TransformerBridge):
        ablated.reset_hooks()
    runs.append(ablated(tokens))
    arguments["model"].reset_hooks(including_permanent=True)
    return torch.stack(runs)


def _ablation_arguments(seed: int, circuit: dict = CIRCUIT, **options) -> dict[str, Any]:
    return {
        "model": awkward_model(seed, **options),
        "means_dataset": random_prompts(seed),
        "circuit": circuit,
        "seq_pos_to_keep": POSITIONS,
        "is_permanent": True,
        "tokens": random_tokens(seed + 1, 4, 6),
    }


@checks(
    specifications.add_mean_ablation_hook,
    mistakes.add_mean_ablation_hook,
    call=_run_twice,
    gives=Float[Tensor, "2 batch pos d_vocab"],
)
def test_add_mean_ablation_hook(seed: int) -> Iterator[Case]:
    """Everything but a circuit set to its mean."""
    yield Case("6 heads kept, each at its position", lambda: _ablation_arguments(seed), grad=False)
    few = {"senders": [(0, 4)], "movers": [(1, 1)], "readers": []}
    yield Case("2 heads kept", lambda: _ablation_arguments(seed + 2, few))
    yield Case("float64", lambda: _ablation_arguments(seed + 4, **DOUBLE), grad=False)


def _minimality_arguments(seed: int, head: tuple[int, int], K: list, **options) -> dict[str, Any]:
    return {
        "model": awkward_model(seed, **options),
        "ioi_dataset": random_prompts(seed),
        "abc_dataset": replace(random_prompts(seed), toks=random_tokens(seed + 1, 4, 6)),
        "circuit": CIRCUIT,
        "seq_pos_to_keep": POSITIONS,
        "head": head,
        "K": K,
    }


@checks(specifications.get_minimality_score, mistakes.get_minimality_score)
def test_get_minimality_score(seed: int) -> Iterator[Case]:
    """How much one head matters once others are gone."""
    yield Case("L2H4 without L1H2", lambda: _minimality_arguments(seed, (2, 4), [(1, 2)]), grad=False)
    yield Case("L0H1 without two others", lambda: _minimality_arguments(seed + 1, (0, 1), [(1, 0), (2, 0)]))
    yield Case("L1H2, K empty", lambda: _minimality_arguments(seed + 2, (1, 2), []), grad=False)
    yield Case(
        "L0H3, float64", lambda: _minimality_arguments(seed + 3, (0, 3), [(2, 0)], **DOUBLE), grad=False
    )
