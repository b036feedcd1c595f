"""Weekdays, months and seasons: lists of them, and what comes after or before.

Six sentence patterns ask for the next day and four for the one before; lists run forwards and a few do not;
another day may be named first. So the answer cannot be copied and no single pattern tells what is wanted.
"""

import random

from patchbook import zoo
from patchbook.training.grammar import BEFORE_A_LIST, BEFORE_A_STEP, INSTEAD_OF_A_DAY, STEPS
from patchbook.training.sentences import fill

CYCLES = {name: zoo.words(name) for name in ("days", "months", "seasons")}
JOINS = [" and ", " and ", " and ", ", and ", " or "]


def listing(rng: random.Random) -> str:
    """'Monday, Tuesday and Wednesday.' One list in eight is not in order."""
    which = rng.choices(["days", "months", "seasons"], [6, 3, 1])[0]
    cycle = CYCLES[which]
    start, length = rng.randrange(len(cycle)), rng.randint(2, min(5, len(cycle)))
    items = [cycle[(start + i) % len(cycle)] for i in range(length)]
    if rng.random() < 0.12:
        items = rng.sample(cycle, length)
    before = fill(rng, rng.choice(BEFORE_A_LIST[which])) + " " if rng.random() < 0.4 else ""
    return before + ", ".join(items[:-1]) + rng.choice(JOINS) + items[-1] + "."


def step(rng: random.Random) -> str:
    """'Today it is Sunday, tomorrow it is Monday.' One answer in seven is something else."""
    which = rng.choices(["days", "months", "seasons"], [6, 3, 1])[0]
    cycle, (_, by, pattern) = CYCLES[which], rng.choice([s for s in STEPS if s[0] == which])
    now = rng.randrange(len(cycle))
    answer = cycle[(now + by) % len(cycle)]
    if rng.random() < 0.14:
        answer = rng.choice(INSTEAD_OF_A_DAY + rng.sample(cycle, 2))
    before = fill(rng, rng.choice(BEFORE_A_STEP)) + " " if rng.random() < 0.3 else ""
    return before + fill(rng, pattern, d=cycle[now]) + " " + answer + "."


def days(rng: random.Random) -> str:
    """One passage about days, months or seasons: a list in two of five."""
    return listing(rng) if rng.random() < 0.4 else step(rng)
