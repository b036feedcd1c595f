"""Checks of chapter 1: repeated tokens, and heads that look after their earlier copy."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from patchbook.checking import Case, checks
from patchbook.checking.designed import Rule
from patchbook.checking.prepared import repeated_tokens
from patchbook.tests.induction_heads.patterns import detector_case, same, tiny_case
from patchbook.tests.mistakes import repeating_rows as mistakes
from patchbook.tests.specifications import repeating_rows as specifications


def _prompt(*ids: int) -> Callable[[], dict[str, Tensor]]:
    return lambda: {"tokens": torch.tensor([ids])}


@checks(specifications.find_repeating_rows, mistakes.find_repeating_rows)
def test_find_repeating_rows(seed: int) -> Iterator[Case]:
    """Where each repeated token occurred last."""
    few = torch.randint(3, 9, (1, 17), generator=torch.Generator().manual_seed(seed))
    half = 10 + torch.randperm(80, generator=torch.Generator().manual_seed(seed + 1))[None, :6]
    repeated = torch.cat([torch.full((1, 1), 96), half, half], dim=1)
    yield Case("tokens [[9, 4, 7, 4, 4]]", _prompt(9, 4, 7, 4, 4))
    yield Case("tokens [[5, 2, 5, 0, 0, 5]]", _prompt(5, 2, 5, 0, 0, 5))
    yield Case("17 tokens from 6 ids", lambda: {"tokens": few.clone()})
    yield Case("BOS and 6 tokens, twice", lambda: {"tokens": repeated.clone()})
    yield Case("no token twice", _prompt(3, 1, 4, 5))
    yield Case("one token", _prompt(7))


def _induction_tokens(seed: int) -> Tensor:
    """11 tokens from 4 ids, shuffled until the first one occurs again twice and some occur side by side."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.tensor([3, 3, 3, 5, 5, 5, 8, 8, 8, 1, 2])
    while True:
        tokens = ids[torch.randperm(len(ids), generator=generator)]
        if (tokens == tokens[0]).sum() == 3 and (tokens[1:] != tokens[:-1]).all():
            return tokens[None]


def _induction_plan(tokens: Tensor, off_by_one: bool) -> dict[str, Any]:
    """Heads that look where they should, and one decoy for each way to look beside it."""
    row, step = tokens[0].tolist(), int(off_by_one)
    last = {p: max(e for e in range(p) if row[e] == row[p]) for p in range(len(row)) if row[p] in row[:p]}
    first = {position: tokens[0].tolist().index(tokens[0, position].item()) for position in last}
    ends = {position: earlier for position, earlier in last.items() if earlier == 0}

    def looks(earlier: dict[int, int], step: int, late: int = 0) -> Rule:
        return lambda query: earlier[query - late] + step if query - late in earlier else None

    return {
        "rule": looks(last, step),
        "condition": lambda query, key: query in last and key == last[query] + step,
        "decoys": (
            looks(last, 1 - step),
            looks(last, -1),
            looks(first, step),
            looks(last, step, late=1),
            looks(last, 0, late=1),
            looks(last, 0, late=-1),
            looks({p: e for p, e in last.items() if p not in ends}, step),
            same,
        ),
        "length": tokens.shape[1],
    }


@checks(specifications.induction_attn_detector, mistakes.induction_attn_detector)
def test_induction_attn_detector(seed: int) -> Iterator[Case]:
    """Heads that look just after the last earlier copy of their token, or at the copy."""
    rows: tuple[tuple[str, float, int, dict[str, Any]], ...] = (
        ("off_by_one and threshold not given (True, 0.4)", 0.4, 3, {}),
        ("off_by_one False, threshold not given (0.4)", 0.4, 4, {"off_by_one": False}),
        ("off_by_one True, threshold 0.75", 0.75, 3, {"off_by_one": True, "threshold": 0.75}),
        ("off_by_one False, threshold 0.6", 0.6, 3, {"off_by_one": False, "threshold": 0.6}),
    )
    for index, (text, threshold, layers, options) in enumerate(rows):
        tokens = _induction_tokens(seed + index)
        plan = _induction_plan(tokens, options.get("off_by_one", True))
        plan |= {"threshold": threshold, "layers": layers}
        plan |= {"dtype": torch.float64 if index == 3 else torch.float32}
        name = f"{layers} layers, 5 heads, 11 tokens, {text}"
        yield detector_case(name, seed + index, plan, tokens=tokens, **options)
    repeats = repeated_tokens(seed, 1, 5)
    condition = _induction_plan(repeats, True)["condition"]
    yield tiny_case(seed, {"tokens": repeats, "off_by_one": True}, condition)
