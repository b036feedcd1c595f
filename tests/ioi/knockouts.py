"""Checks of chapter 2: incompleteness, and what heads write once others are gone."""

import functools
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.ioi.ioi_circuit import POSITIONS, circuit_of
from patchbook.tests.ioi.prompts import attentive_model, random_prompts
from patchbook.tests.mistakes import knockouts as mistakes
from patchbook.tests.specifications import knockouts as specifications


def _model_and_sets(seed: int, batch: int, **options) -> dict[str, Any]:
    """The ABC set has the same templates; what it would answer is no matter, and it is not the same."""
    return {
        "model": attentive_model(seed, **options),
        "ioi_dataset": random_prompts(seed, batch),
        "abc_dataset": random_prompts(seed + 1, batch),
    }


def _incompleteness_arguments(seed: int, K: list, **options) -> dict[str, Any]:
    circuit = {"circuit": circuit_of(), "seq_pos_to_keep": dict(POSITIONS), "K": list(K)}
    return _model_and_sets(seed, 6, **options) | circuit


@checks(specifications.get_incompleteness_score, mistakes.get_incompleteness_score)
def test_get_incompleteness_score(seed: int) -> Iterator[Case]:
    """How far circuit and model are apart once K is gone from both."""
    rows = (
        ("K is L1H2 and L0H1", [(1, 2), (0, 1)], {}),
        ("K is L0H3, L2H0 and L2H4", [(0, 3), (2, 0), (2, 4)], {}),
        ("K is L1H0, which has two roles; float64", [(1, 0)], DOUBLE),
        ("K empty", [], {}),
    )
    for number, (text, K, options) in enumerate(rows):
        yield Case(text, functools.partial(_incompleteness_arguments, seed + number, K, **options))


def _effects_arguments(seed: int, knocked_out: list, **options) -> dict[str, Any]:
    return _model_and_sets(seed, 7, **options) | {"knocked_out": list(knocked_out)}


@checks(specifications.get_direct_effects_after_knockout, mistakes.get_direct_effects_after_knockout)
def test_get_direct_effects_after_knockout(seed: int) -> Iterator[Case]:
    """What each head writes along the logit difference, before and after others are knocked out."""
    yield Case("without L0H1 and L1H4", lambda: _effects_arguments(seed, [(0, 1), (1, 4)]))
    yield Case("without L1H2, 4 heads", lambda: _effects_arguments(seed + 2, [(1, 2)], n_heads=4))
    yield Case("nothing knocked out", lambda: _effects_arguments(seed + 4, []))
    yield Case("without L0H0, float64", lambda: _effects_arguments(seed + 6, [(0, 0)], **DOUBLE))
