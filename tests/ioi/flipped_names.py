"""Checks of chapter 2: the names of a prompt after a corruption."""

import random
from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.tests.ioi.prompts import PEOPLE
from patchbook.tests.mistakes import flipped_names as mistakes
from patchbook.tests.specifications import flipped_names as specifications


@checks(specifications.flip_names, mistakes.flip_names)
def test_flip_names(seed: int) -> Iterator[Case]:
    """A prompt's three names after a corruption by rule."""
    rows = (
        ("ABB", "ABB->XYZ, BAB->XYZ"),
        ("BAB", "ABB->XYZ, BAB->AXX"),
        ("ABB", "ABB->BAA, BAB->ABA"),
        ("BAB", "ABB->BAA, BAB->ABA"),
        ("ABB", "BAB->XAX,ABB->XAX"),
        ("BAB", "BAB->ZAY, ABB->XYY"),
        ("ABB", "BAB->XYZ"),
        ("BAB", "ABB->XYZ, BAB->YBX"),
    )
    for index, (reads, rule) in enumerate(rows):

        def arguments(index=index, reads=reads, rule=rule):
            people = random.Random(seed + index).sample(PEOPLE, 7)
            names = dict(zip("AB", people, strict=False))
            return {
                "names": tuple(names[letter] for letter in reads),
                "rule": rule,
                "fresh_names": people[2:],
            }

        shown = ", ".join(arguments()["names"])
        yield Case(f'({shown}), rule "{rule}"', arguments)
