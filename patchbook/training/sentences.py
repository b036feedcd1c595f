"""One pattern of `grammar.py` -> one English sentence."""

import random
import re

from patchbook.training.grammar import WORDS

SLOT = re.compile(r"{([a-z_]+)(\d?)}")
BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiou])")


def fill(rng: random.Random, pattern: str, **given: str) -> str:
    """The pattern with every slot filled: `given` first, then a random word of that slot's list.

    >>> fill(random.Random(0), "{name} eats a {thing}.", name="Tom", thing="apple")
    'Tom eats an apple.'
    """

    def word(match: re.Match) -> str:
        slot, number = match.groups()
        return given[slot + number] if slot + number in given else rng.choice(WORDS[slot])

    return capitalised(with_an(SLOT.sub(word, pattern)))


def with_an(text: str) -> str:
    """'a apple' -> 'an apple'."""
    return BEFORE_VOWEL.sub(r"\1n ", text)


def capitalised(text: str) -> str:
    """The first letter made a capital, the rest left alone."""
    return text[:1].upper() + text[1:]


def uncapitalised(text: str) -> str:
    """The first letter made small, the rest left alone."""
    return text[:1].lower() + text[1:]
