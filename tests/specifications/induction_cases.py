"""Cases as chapter 1 wants them: patterns for an induction score."""

import torch
from torch import Tensor


def cases_for_induction_score() -> list[dict]:
    """Two halves of three tokens after the first one. Three heads: perfect, uneven, and of another kind."""
    uneven = 0.5  # (0 + 0.3 + 0.7 + 0.8 + 0.7) / 5
    expected = [(_pattern([1, 1, 1, 1, 1], 2), 1.0), (_pattern([0, 0.3, 0.7, 0.8, 0.7], 2), uneven)]
    expected.append((_pattern([1, 1, 1, 1], 3), 0.0))  # it looks at its own earlier occurrence
    return [{"pattern": pattern, "seq_len": 3, "expect": score} for pattern, score in expected]


def _pattern(strengths: list[float], back: int) -> Tensor:
    """The queries from `back` on look so much `back` places back, and else at themselves."""
    pattern = torch.eye(7)
    for query, strength in enumerate(strengths, start=back):
        pattern[query, query - back], pattern[query, query] = strength, 1 - strength
    return pattern
