"""Caches whose attention patterns are made to order: who looks where, and how much.

Random models attend weakly and nowhere in particular. A detector needs heads clearly above its threshold,
heads just below it, and heads that only a wrong detector would find.
"""

import itertools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from transformer_lens import ActivationCache

from patchbook.checking.awkward import awkward_model

Rule = Callable[[int], int | None]  # a query's position -> the position it looks at, if any
Condition = Callable[[int, int], bool]

MARGIN = 1e-3  # no head's average lies closer to the threshold
DECOY = 0.96  # how much a decoy looks where it looks: little is left for other places


def looking_head(rule: Rule, strength: float, length: int, generator: torch.Generator) -> Tensor:
    """One causal pattern, (query, key): `strength` goes where the rule says, the rest anywhere else."""
    pattern = torch.zeros(length, length, dtype=torch.float64)
    for query in range(length):
        row = torch.rand(query + 1, generator=generator, dtype=torch.float64) + 0.1
        key = rule(query)
        if key is not None and 0 <= key <= query and query > 0:
            row[key] = 0.0
            row = row / row.sum() * (1 - strength)
            row[key] = strength
        pattern[query, : query + 1] = row / row.sum()
    return pattern


def cache_of_patterns(patterns: Tensor) -> ActivationCache:
    """What run_with_cache(..., remove_batch_dim=True) gives, patterns only.

    patterns: (layer, head, query, key); copied.
    """
    layers, heads = patterns.shape[:2]
    names = {f"blocks.{layer}.attn.hook_pattern": patterns[layer].clone() for layer in range(layers)}
    model = awkward_model(n_layers=layers, n_heads=heads)  # for its cfg
    return ActivationCache(names, model, has_batch_dim=False)


def detector_patterns(
    seed: int,
    rule: Rule,
    condition: Condition,
    threshold: float,
    decoys: Iterable[Rule],
    *,
    layers: int = 3,
    heads: int = 5,
    length: int = 7,
    scale: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Patterns, (layer, head, query, key), on which a detector with this threshold has a telling answer.

    Heads follow `rule` just above the threshold, just below it, and far from it on both sides; one head
    follows each decoy. scale: a head's strength over its average under the condition.
    """
    generator = torch.Generator().manual_seed(seed)
    averages = (threshold + 0.03, threshold - 0.04, (threshold + 1 / scale) / 2, 0.45 * threshold)
    right = [(rule, _strength(average, scale, length, condition)) for average in averages]
    endless = itertools.chain(right, ((decoy, DECOY) for decoy in decoys), itertools.cycle(right[2:]))
    plan = list(itertools.islice(endless, layers * heads))
    for _ in range(500):
        order = torch.randperm(layers * heads, generator=generator).tolist()
        flat = torch.stack([looking_head(*plan[i], length, generator) for i in order])
        patterns = flat.unflatten(0, (layers, heads))
        if _is_telling(_averages(patterns, condition), threshold):
            return patterns.to(dtype)
    raise ValueError(f"no telling patterns for threshold {threshold}: change the plan of this case")


def _strength(average: float, scale: float, length: int, condition: Condition) -> float:
    """How much a head must look where its rule says, for this average under the condition.

    Position 0 can only look at itself: where that pair counts, the others make up for it.
    """
    if not condition(0, 0):
        return scale * average
    pairs = sum(condition(query, key) for query in range(length) for key in range(query + 1))
    return (pairs * average - 1) / (pairs - 1)


def tied_patterns(rule: Rule, averages: Tensor, length: int) -> Tensor:
    """Patterns, (layer, head, query, key), whose heads look where the rule says exactly as much as asked.

    averages: (layer, head); binary fractions such as 0.375, so that any way to take the mean is exact.
    The rest of a query's attention lies on itself.
    """
    patterns = torch.eye(length).expand(*averages.shape, length, length).clone()
    for query in range(length):
        key = rule(query)
        if key is not None and 0 <= key < query:
            patterns[..., query, key] = averages
            patterns[..., query, query] = 1 - averages
    return patterns


def clear_threshold(patterns: Tensor, condition: Condition) -> float:
    """For patterns of a real model: the middle of the widest gap between the heads' averages."""
    averages = _averages(patterns, condition).flatten().sort().values
    widest = averages.diff().argmax()
    return round(averages[widest : widest + 2].mean().item(), 4)


def _averages(patterns: Tensor, condition: Condition) -> Tensor:
    """Each head's average where the condition holds: (layer, head)."""
    length = patterns.shape[-1]
    pairs = [[condition(query, key) for key in range(length)] for query in range(length)]
    return patterns[..., torch.tensor(pairs)].mean(-1)


def _is_telling(averages: Tensor, threshold: float) -> bool:
    """Far from ties; first and last layer have heads of both kinds; labels swapped are other labels."""
    found = averages >= threshold
    mixed = all(0 < found[layer].sum() < found.shape[1] for layer in (0, -1))
    labels = {tuple(pair) for pair in found.nonzero().tolist()}
    return (
        (averages - threshold).abs().min() > MARGIN
        and mixed
        and labels != {(head, layer) for layer, head in labels}
    )
