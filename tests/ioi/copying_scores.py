"""Checks of chapter 2: what a head's OV circuit copies."""

import random
from collections.abc import Iterator
from typing import Any

from patchbook import zoo
from patchbook.checking import Case, checks
from patchbook.checking.awkward import BOS, VOCAB, awkward_model, with_tokenizer
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.mistakes import copying_scores as mistakes
from patchbook.tests.specifications import copying_scores as specifications


def _copying_arguments(seed: int, k: int, number: int, **options) -> dict[str, Any]:
    """Words of the awkward tokenizer, each with its space."""
    words = [f" w{i}" for i in random.Random(seed).sample([i for i in range(VOCAB) if i != BOS], number)]
    known = {word: int(word.removeprefix(" w")) for word in words}
    return {"model": with_tokenizer(awkward_model(seed, **options), known), "k": k, "names": words}


def _all_of_patchbooks_names(seed: int) -> dict[str, Any]:
    """Only a model, k and names left to their defaults; it knows each name with its space, and only so."""
    names = [f" {name}" for name in zoo.words("names")]
    model = awkward_model(seed, n_layers=2, n_heads=3, d_vocab=len(names) + VOCAB)
    return {"model": with_tokenizer(model, {name: VOCAB + i for i, name in enumerate(names)})}


@checks(specifications.get_copying_scores, mistakes.get_copying_scores)
def test_get_copying_scores(seed: int) -> Iterator[Case]:
    """How many names a head's OV circuit copies."""
    yield Case("the 20 largest logits, 60 names", lambda: _copying_arguments(seed, 20, 60))
    yield Case("the 5 largest logits, 70 names", lambda: _copying_arguments(seed + 1, 5, 70))
    yield Case("the 12 largest logits, float64", lambda: _copying_arguments(seed + 2, 12, 50, **DOUBLE))
    yield Case("k and names not given (5, Patchbook's list)", lambda: _all_of_patchbooks_names(seed + 3))
