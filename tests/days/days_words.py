"""Checks of chapter 4: the next day, prompts made of days, and days put wrong."""

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.tests.mistakes import days_words as mistakes
from patchbook.tests.specifications import days_words as specifications

PROMPTS = "patchbook.prompts.days"  # its functions are ready-made answers to the first exercises


def or_error(implementation: Callable, arguments: dict[str, Any]) -> Any:
    """What comes back, or the name of an error that says something about the argument."""
    try:
        value = implementation(*arguments.values())
    except (ValueError, IndexError) as error:
        return type(error).__name__
    return torch.tensor(value) if isinstance(value, float) else value


_WORDS = {"call": or_error, "ready_made": (PROMPTS,)}


@checks(specifications.successor, mistakes.successor, gives=str | None, **_WORDS)
def test_successor(seed: int) -> Iterator[Case]:
    """The word so many steps on in its cycle."""
    rng = random.Random(seed)
    rows = [("Sunday",), ("December", 1), ("Winter", 1), ("Monday", -1), ("November", 3), ("Summer", -6)]
    rows += [(rng.choice(cycle[1:-1]), rng.choice((1, 2))) for cycle in specifications.CYCLES]
    rows += [(rng.choice(specifications.CYCLES[1]), -15), ("Saturday", 0), ("Someday", 1)]
    for word, *step in rows:
        arguments = {"word": word} | ({"step": step[0]} if step else {})
        yield Case(f"successor({', '.join(map(repr, arguments.values()))})", lambda a=arguments: dict(a))


@checks(specifications.today_prompts, mistakes.today_prompts, ready_made=(PROMPTS,))
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


@checks(specifications.corrupt_day, mistakes.corrupt_day, gives=str, **_WORDS)
def test_corrupt_day(seed: int) -> Iterator[Case]:
    """The day that takes a prompt's day's place."""
    rng = random.Random(seed)
    same, after = specifications.STEPS_ON
    rows = [("Sunday", same), ("Saturday", after), (rng.choice(specifications.DAYS[:4]), same)]
    rows += [(rng.choice(specifications.DAYS[:4]), after), ("Sunday", after), ("Monday", "at random")]
    for day, way in rows:
        yield Case(f"{day}, {way!r}", lambda day=day, way=way: {"day": day, "way": way})
