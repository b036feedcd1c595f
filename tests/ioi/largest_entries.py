"""Checks of chapter 2: the largest entries of a tensor."""

import functools
from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import largest_entries as mistakes
from patchbook.tests.specifications import largest_entries as specifications


@checks(specifications.topk_of_Nd_tensor, mistakes.topk_of_Nd_tensor)
def test_topk_of_Nd_tensor(seed: int) -> Iterator[Case]:
    """Where the k largest entries stand."""
    yield Case("3 by 5, k 4", lambda: {"tensor": randn(seed, 3, 5), "k": 4})
    yield Case("2 by 3 by 4, k 3", lambda: {"tensor": randn(seed + 1, 2, 3, 4), "k": 3})
    yield Case("7 numbers, k 2", lambda: {"tensor": randn(seed + 2, 7), "k": 2})
    yield Case("2 by 3, k 6: all of them", lambda: {"tensor": randn(seed + 4, 2, 3), "k": 6})
    negative = functools.partial(randn, seed + 3, 6, 4, **DOUBLE)
    yield Case("6 by 4, all negative, float64, k 5", lambda: {"tensor": -negative().abs() - 0.1, "k": 5})
