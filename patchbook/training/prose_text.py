"""Ordinary prose: sentences about things and people, decimals, and things said twice."""

import random

from patchbook.training.grammar import FOLLOW, NAMED, NUMBERS, PROSE
from patchbook.training.ioi_text import somebody
from patchbook.training.sentences import fill

KINDS = ["it", "it", "it", "they", "they", "he", "i", "we", "you"]


def sentence(rng: random.Random) -> list[str]:
    """One sentence without names; in 4 of 10 a second one that begins with its pronoun."""
    kind = rng.choice(KINDS)
    said = [fill(rng, rng.choice(PROSE[kind]))]
    if rng.random() < 0.4:
        said.append(fill(rng, rng.choice(FOLLOW[kind])))
    return said


def named(rng: random.Random, cast: list[str]) -> list[str]:
    """One sentence about somebody; in half of them a second one that begins with He or She."""
    he = rng.choice(["he", "she"])
    who = {"name": somebody(rng, cast), "name2": somebody(rng, cast)}
    said = [fill(rng, rng.choice(NAMED), he=he, **who)]
    if rng.random() < 0.5:
        said.append(fill(rng, rng.choice(FOLLOW[he])))
    return said


def number(rng: random.Random) -> list[str]:
    """'The price of the car is 3.20.' In one of four the full stop ends the sentence instead."""
    whole = str(rng.choice([0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    before = fill(rng, rng.choice(NUMBERS), n=whole)
    if rng.random() < 0.25:
        return [before + "."]
    decimals = str(rng.randrange(10)) if rng.random() < 0.5 else f"{rng.randrange(100):02d}"
    return [before + "." + decimals + "."]


def said_again(rng: random.Random) -> list[str]:
    """The same sentence two to four times: 'Hello. Hello. Hello.'"""
    pattern = rng.choice(["{hello}.", "{order}.", None])
    said = fill(rng, pattern) if pattern else sentence(rng)[0]
    return [said] * rng.randint(2, 4)


def order(rng: random.Random) -> list[str]:
    """A word to somebody: 'Go.' or 'Hello.'"""
    return [fill(rng, rng.choice(["{order}.", "{hello}."]))]


def prose(rng: random.Random, cast: list[str] = ()) -> list[str]:
    """One to four sentences of prose, as a list; without a cast, nobody is named."""
    if cast and rng.random() < 0.25:
        return named(rng, cast)
    return rng.choices([sentence, number, said_again, order], [60, 10, 6, 5])[0](rng)
