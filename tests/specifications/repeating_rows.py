"""What chapter 1's exercises must compute: repeated tokens, and heads that look after their earlier copy."""

from jaxtyping import Int
from torch import Tensor
from transformer_lens import ActivationCache

from patchbook.tests.specifications.averages import heads_with_high_average_pattern


def find_repeating_rows(tokens: Int[Tensor, "1 seq"]) -> dict[int, int]:
    """For each position whose token occurred before: the last position where it did."""
    ids = tokens[0].tolist()
    earlier = {}
    for position, token in enumerate(ids):
        for before in range(position):
            if ids[before] == token:
                earlier[position] = before  # a later one takes its place
    return earlier


def induction_attn_detector(
    cache: ActivationCache, tokens: Int[Tensor, "1 seq"], off_by_one: bool = True, threshold: float = 0.4
) -> list[str]:
    """Heads that look from a repeated token to its last earlier copy (False), or to just after it (True)."""
    earlier = find_repeating_rows(tokens)
    step = 1 if off_by_one else 0
    return heads_with_high_average_pattern(
        cache, lambda query, key: query in earlier and key == earlier[query] + step, threshold
    )
