"""Checks of chapter 4: what a model says where it is wrong."""

import functools
import random
from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.checking.prepared import tiny_gpt2
from patchbook.tests.mistakes import days_failures as mistakes
from patchbook.tests.specifications import days_failures as specifications
from patchbook.tests.specifications.days_words import CYCLES

Asked = tuple[str, int, int]  # a pattern, how far the right answer is, which cycle

ONE_STEP: Asked = ("Today it is {}, tomorrow it is", 1, 0)
TWO_STEPS: Asked = ("Today it is {}, two days later it is", 2, 0)
OVER_TOMORROW: Asked = ("Today it is {}, the day after tomorrow it is", 2, 0)
TWO_BACK: Asked = ("Today it is {}, the day before yesterday it was", -2, 0)
LAST_MONTH: Asked = ("Now it is {}, the last month was", -1, 1)
TWO_MONTHS: Asked = ("Now it is {}, two months later it is", 2, 1)
TWO_SEASONS: Asked = ("Now it is {}, two seasons later it is", 2, 2)


def _asked(asked: tuple[Asked, ...], liked: str, seed: int) -> dict[str, Any]:
    """Prompts of each pattern, mixed. liked: a word that tiny-gpt2 is made to say after every prompt.

    Of each cycle four words are drawn; all of it where one word is liked, which is then some prompt's today.
    """
    rng, model, prompts = random.Random(seed), tiny_gpt2(seed), []
    for pattern, step, which in asked:
        cycle = CYCLES[which]
        for word in rng.sample(cycle, len(cycle) if liked else 4):
            tomorrow = cycle[(cycle.index(word) + step) % len(cycle)]
            prompts.append((pattern.format(word), f" {tomorrow}", f" {word}"))
    rng.shuffle(prompts)
    if liked:
        with torch.no_grad():
            model.b_U[model.to_single_token(liked)] += 60
    return {"model": model, "prompts": prompts}


@checks(specifications.said_instead, mistakes.said_instead)
def test_said_instead(seed: int) -> Iterator[Case]:
    """What the model says where it does not say the right answer."""
    rows = (
        ("days, one step and two", (ONE_STEP, TWO_STEPS, OVER_TOMORROW), ""),
        ("days, forward and back", (OVER_TOMORROW, TWO_BACK, ONE_STEP), ""),
        ("days, months and seasons", (TWO_SEASONS, LAST_MONTH, TWO_MONTHS, TWO_STEPS), ""),
        ("days and seasons, a model that always says Monday", (TWO_STEPS, TWO_SEASONS), " Monday"),
        ("months and days, a model that always says August", (LAST_MONTH, OVER_TOMORROW), " August"),
    )
    for number, (text, asked, liked) in enumerate(rows):
        yield Case(text, functools.partial(_asked, asked, liked, seed + number))
