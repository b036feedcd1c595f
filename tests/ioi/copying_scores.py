"""Checks of chapter 2: what a head's OV circuit copies."""

import random
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.awkward import VOCAB, awkward_model, with_tokenizer
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.mistakes import copying_scores as mistakes
from patchbook.tests.specifications import copying_scores as specifications


def _copying_arguments(seed: int, k: int, number: int, **options) -> dict[str, Any]:
    """Words of the awkward tokenizer; wide logits, so that copying depends on every part."""
    words = random.Random(seed).sample([f"w{i}" for i in range(10, VOCAB) if i != 61], number)
    return {"model": with_tokenizer(awkward_model(seed, **options)), "k": k, "names": words}


@checks(specifications.get_copying_scores, mistakes.get_copying_scores)
def test_get_copying_scores(seed: int) -> Iterator[Case]:
    """How many names a head's OV circuit copies."""
    yield Case("the 20 largest logits, 60 names", lambda: _copying_arguments(seed, 20, 60), grad=False)
    yield Case("the 5 largest logits, 70 names", lambda: _copying_arguments(seed + 1, 5, 70))
    yield Case("the 12 largest logits, float64", lambda: _copying_arguments(seed + 2, 12, 50, **DOUBLE))
