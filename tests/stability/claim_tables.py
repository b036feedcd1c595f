"""Checks of chapter 7: what a claim's figure and its control allow one to say."""

import functools
import random
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import claim_tables as mistakes
from patchbook.tests.specifications import claim_tables as specifications

CLAIMS = ("necessary", "sufficient", "specific", "stable")
ROWS = {  # figure less its line; controls; how many of them reach the figure
    "all is well": (0.1, 99, 0),
    "on the line": (0.0, 99, 0),
    "one of 19 would be too many": (0.1, 19, 0),
    "beyond all 9": (0.1, 9, 0),
    "beyond 97 of 99": (0.1, 99, 2),
    "chance reaches it": (0.1, 40, 3),
    "chance reaches a small one": (-0.1, 40, 9),
    "all of chance reaches it": (0.1, 20, 20),
    "small, but no chance": (-0.1, 60, 1),
    "alone": (0.1, 0, 0),
    "alone and small": (-0.1, 0, 0),
}


def _arguments(seed: int, rows: tuple[str, ...]) -> dict[str, Any]:
    """Claims in some order, with figures in hundredths, so that a line can be reached exactly."""
    draw = random.Random(seed)
    names = [f"{CLAIMS[place % 4]} {place // 4 + 1}" for place in range(len(rows))]
    figures, controls, lines = {}, {}, {}
    for name, row in zip(names, draw.sample(rows, len(rows)), strict=True):
        above, draws, reach = ROWS[row]
        line = draw.randint(40, 80)
        figure = line + round(100 * above)
        numbers = [draw.randint(figure, figure + 15) for _ in range(reach)]
        numbers += [draw.randint(1, figure - 1) for _ in range(draws - reach)]
        draw.shuffle(numbers)
        figures[name], lines[name] = figure / 100, line / 100
        controls[name] = [number / 100 for number in numbers]
    return {"figures": figures, "controls": controls, "lines": lines}


@checks(specifications.claim_table, mistakes.claim_table)
def test_claim_table(seed: int) -> Iterator[Case]:
    """What may be said of each claim."""
    every = tuple(ROWS)
    yield Case("11 claims", functools.partial(_arguments, seed, every))
    yield Case("6 claims", functools.partial(_arguments, seed + 1, every[2:8]))
