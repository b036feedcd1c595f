"""Checks of chapter 5: what every head and MLP would do, estimated by gradients."""

import functools
from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.attribution.prompts import pair
from patchbook.tests.mistakes import node_scores as mistakes
from patchbook.tests.specifications import node_scores as specifications


@checks(specifications.node_attribution, mistakes.node_attribution)
def test_node_attribution(seed: int) -> Iterator[Case]:
    """The estimated effect of every head and every MLP."""
    rows = (
        ("2 layers, 3 heads, 4 prompts of 5; logit difference", 4, 5, None, {"n_layers": 2, "n_heads": 3}),
        ("3 layers, 5 heads, 2 prompts of 6; log-probability at all positions", 2, 6, None, {}),
        ("2 layers, 5 heads, float64, 3 prompts of 4", 3, 4, None, {"n_layers": 2} | DOUBLE),
        ("tiny-gpt2, 2 prompts of 7", 2, 7, None, {}),
    )
    for text, batch, length, other, options in rows:
        yield Case(text, functools.partial(pair, seed, text, batch, length, other, **options))
    unequal = functools.partial(pair, seed, "", 2, 6, 5, n_layers=1, n_heads=2)
    yield Case("clean prompts of 6, corrupted ones of 5", unequal, raises=ValueError)
