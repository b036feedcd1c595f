"""Checks of chapter 4: the next day, prompts made of days, and days put wrong."""

import copy
import random
from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import days_words as mistakes
from patchbook.tests.specifications import days_words as specifications

PROMPTS = "patchbook.prompts.days"  # its functions are ready-made answers to the first exercises


_READY_MADE = {"ready_made": (PROMPTS,)}


@checks(specifications.successor, mistakes.successor, **_READY_MADE)
def test_successor(seed: int) -> Iterator[Case]:
    """The word so many steps on in its cycle."""
    rng = random.Random(seed)
    rows = [("Sunday",), ("December", 1), ("Winter", 1), ("Monday", -1), ("November", 3), ("Summer", -6)]
    rows += [(rng.choice(cycle[1:-1]), rng.choice((1, 2))) for cycle in specifications.CYCLES]
    rows += [(rng.choice(specifications.CYCLES[1]), -15), ("Saturday", 0), ("Someday", 1)]
    for word, *step in rows:
        arguments = {"word": word} | ({"step": step[0]} if step else {})
        text = f"successor({', '.join(map(repr, arguments.values()))})"
        yield Case(text, lambda a=arguments: dict(a), raises=ValueError if word == "Someday" else None)


@checks(specifications.today_prompts, mistakes.today_prompts, **_READY_MADE)
def test_today_prompts(seed: int) -> Iterator[Case]:
    """Prompts with their right and wrong answers."""
    rng = random.Random(seed)
    days, months, seasons = specifications.CYCLES
    rows = (
        ("Today it is {}, tomorrow it is", ["Sunday", *rng.sample(days[:-1], 2)], {}),
        ("Today it is {}, yesterday it was", ["Monday", *rng.sample(days[1:], 3)], {"step": -1}),
        ("Now it is {}, the next month is", rng.sample(months, 4), {"step": 1}),
        ("After {} comes", list(seasons), {}),
    )
    for pattern, words, step in rows:
        arguments = {"pattern": pattern, "words": words, **step}
        said = f", step {step['step']}" if step else ""
        yield Case(f"{pattern!r} with {', '.join(words)}{said}", lambda a=arguments: copy.deepcopy(a))


@checks(specifications.corrupt_day, mistakes.corrupt_day, **_READY_MADE)
def test_corrupt_day(seed: int) -> Iterator[Case]:
    """The day that takes a prompt's day's place."""
    rng = random.Random(seed)
    same, after = specifications.STEPS_ON
    rows = [("Sunday", same), ("Saturday", after), (rng.choice(specifications.DAYS[:4]), same)]
    rows += [(rng.choice(specifications.DAYS[:4]), after), ("Sunday", after), ("Monday", "at random")]
    for day, way in rows:
        error = None if way in specifications.STEPS_ON else ValueError
        yield Case(f"{day}, {way!r}", lambda day=day, way=way: {"day": day, "way": way}, raises=error)
