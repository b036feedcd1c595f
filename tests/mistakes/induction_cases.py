"""What cases of chapter 1 are held against: right and wrong functions induction_score."""

import torch
from jaxtyping import Float
from torch import Tensor

from patchbook.checking import Bench, Mistake


def induction_score(pattern: Float[Tensor, "query key"], seq_len: int) -> float:
    back = seq_len - 1
    looks = [pattern[query, query - back].item() for query in range(back, len(pattern))]
    return sum(looks) / len(looks)


def _from_a_diagonal(pattern, seq_len):
    return pattern.diagonal(1 - seq_len).mean().item()


def _by_a_mask(pattern, seq_len):
    query, key = torch.meshgrid(*map(torch.arange, pattern.shape), indexing="ij")
    there = query - key == seq_len - 1
    return ((pattern * there).sum() / there.sum()).item()


def _looks(pattern, back):
    return pattern.diagonal(-back)


def _outside(pattern, seq_len):
    if not seq_len >= 2 or pattern.shape != (1 + 2 * seq_len, 1 + 2 * seq_len):
        return "the pattern of 1 + 2 * seq_len tokens is wanted, for a seq_len of 2 or more"
    if (pattern < 0).any() or pattern.triu(1).any():
        return "attention is never negative, and no token looks at a later one"
    if not torch.allclose(pattern.sum(-1), torch.ones_like(pattern[0]), atol=1e-3):
        return "a row of a pattern adds up to 1"
    return ""


cases_for_induction_score = Bench(
    right=(induction_score, _from_a_diagonal, _by_a_mask),
    wrong=(
        Mistake(
            "same-token",
            lambda pattern, seq_len: _looks(pattern, seq_len).mean().item(),
            "it reads how much a token looks at its own earlier occurrence.",
            "Which head would score high with such a function, and 0 with a right one?",
        ),
        Mistake(
            "two-after",
            lambda pattern, seq_len: _looks(pattern, seq_len - 2).mean().item(),
            "it reads two places after the earlier occurrence.",
            "Which head would score high with such a function, and 0 with a right one?",
        ),
        Mistake(
            "over-all-queries",
            lambda pattern, seq_len: (_looks(pattern, seq_len - 1).sum() / len(pattern)).item(),
            "it divides by the number of tokens, not by the number of entries that it adds.",
            "What is the score of a head that does nothing but this? Expect that, to the digit.",
        ),
        Mistake(
            "strongest-query",
            lambda pattern, seq_len: _looks(pattern, seq_len - 1).max().item(),
            "one query that looks there is enough: it takes the largest entry, not the mean.",
            "A perfect head hides this. What of a head that does it at some queries only?",
        ),
        Mistake(
            "last-query",
            lambda pattern, seq_len: pattern[-1, -seq_len].item(),
            "only the last query counts.",
            "A perfect head hides this. What of a head that does it at some queries only?",
        ),
        Mistake(
            "counted",
            lambda pattern, seq_len: (
                (pattern[seq_len - 1 :].argmax(-1) == torch.arange(seq_len + 2)).double().mean().item()
            ),
            "it counts the queries that look there most, however much that is.",
            "Where a head gives all its attention or none, a count and a mean agree.",
        ),
    ),
    enough=5,
    outside=_outside,
)
