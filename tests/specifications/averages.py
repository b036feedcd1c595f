"""What chapter 1's exercises must compute: averages over chosen pairs of query and key."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache


def average_over_condition(
    tensor: Float[Tensor, "head query key"], condition: Callable[[int, int], bool]
) -> Float[Tensor, "head"]:
    """The mean of each head's values over the pairs that the condition picks; nan when it picks none."""
    heads, queries, keys = tensor.shape
    pairs = [(query, key) for query in range(queries) for key in range(keys) if condition(query, key)]
    average = tensor.new_full((heads,), torch.nan)
    for head in range(heads if pairs else 0):
        average[head] = sum(tensor[head, query, key] for query, key in pairs) / len(pairs)
    return average


def heads_with_high_average_pattern(
    cache: ActivationCache, condition: Callable[[int, int], bool], threshold: float
) -> list[str]:
    """One layer after the other: the heads whose average reaches the threshold."""
    labels = []
    for layer in range(cache.model.cfg.n_layers):
        for head, average in enumerate(average_over_condition(cache["pattern", layer], condition)):
            if average >= threshold:
                labels.append(f"L{layer}H{head}")
    return labels
