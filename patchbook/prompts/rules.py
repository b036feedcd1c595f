"""Corruptions by rule, written as in the literature: "ABB->XYZ, BAB->XYZ".

Three letters stand for the three names of a prompt, in order of appearance. A is the name that is said
once (the indirect object), B the one that is said twice (the subject):

| prompt                                 | type | reads |
|----------------------------------------|------|-------|
| When Mary and John went …, John gave … | ABBA | ABB   |
| When John and Mary went …, John gave … | BABA | BAB   |

On the right of the arrow A and B keep their names and every other letter is a new name:
"ABB->XYZ" replaces all three by different people, "ABB->BAA" swaps the two.
"""

import random
import re
from collections.abc import Sequence

READS = {"ABBA": "ABB", "BABA": "BAB"}  # type of prompt -> how its three names read
EXAMPLE = "ABB->XYZ, BAB->XYZ"
Names = tuple[str, str, str]


def parse_rule(rule: str) -> dict[str, str]:
    """A rule as data: what a prompt's names read -> what they shall read.

    >>> parse_rule("ABB->XYZ, BAB->AXX")
    {'ABB': 'XYZ', 'BAB': 'AXX'}

    Raises TypeError if the rule is no string, ValueError if it cannot be read.
    """
    if not isinstance(rule, str):
        raise TypeError(f"wanted a rule as a string, such as {EXAMPLE!r}, but got {type(rule).__name__}.")
    if not rule.strip():
        raise ValueError(f"wanted a rule such as {EXAMPLE!r}, but got an empty one.")
    parts = [_parse_part(part.strip(), rule) for part in rule.split(",")]
    for before, _ in parts:
        if [b for b, _ in parts].count(before) > 1:
            raise ValueError(
                f"a rule says once what becomes of {before}, but {rule!r} says it more than once."
            )
    return dict(parts)


def _parse_part(part: str, rule: str) -> tuple[str, str]:
    """One "ABB->XYZ" -> ("ABB", "XYZ")."""
    if not part:
        raise ValueError(f"a part of the rule {rule!r} is empty: is there a comma too many?")
    if part.count("->") != 1:
        raise ValueError(f"wanted one arrow '->' in each part of a rule, as in 'ABB->XYZ', but got {part!r}.")
    before, after = (side.strip() for side in part.split("->"))
    for side in (before, after):
        if not re.fullmatch("[A-Z]{3}", side):
            raise ValueError(
                f"a rule has three letters on each side, capitals from A to Z, as in 'ABB->XYZ', "
                f"but {part!r} has {side!r}."
            )
    if before not in READS.values():
        raise ValueError(
            f"no prompt reads {before!r} (in the rule {part!r}): on the left of the arrow stands ABB "
            f"(prompts of type ABBA) or BAB (type BABA).\n"
            f"A is the indirect object, B the subject, who is named twice."
        )
    return before, after


def reading(names: Names) -> str:
    """How three names read: "ABB" or "BAB".

    >>> reading(("John", "Mary", "John"))
    'BAB'

    Raises ValueError for any other three names: no rule applies to them.
    """
    first, second, third = names
    if first != second and third in (first, second):
        return "ABB" if third == second else "BAB"
    raise ValueError(
        f"wanted names that read A B B or B A B, but got {', '.join(names)}.\n"
        f"Was this prompt corrupted before? Apply the rule to the original."
    )


def new_letters(before: str, after: str) -> list[str]:
    """The letters that stand for new names, in order of appearance.

    >>> new_letters("ABB", "XAX")
    ['X']
    """
    return [letter for letter in dict.fromkeys(after) if letter not in before]


def renamed(names: Names, after: str, fresh_names: Sequence[str]) -> Names:
    """The three names after a rule: the first of `fresh_names` is the first new letter, and so on.

    >>> renamed(("Mary", "John", "John"), "XYY", ["Tom", "Ann"])
    ('Tom', 'Ann', 'Ann')
    """
    before = reading(names)
    meaning = dict(zip(before, names, strict=True))
    meaning |= dict(zip(new_letters(before, after), fresh_names, strict=False))
    return tuple(meaning[letter] for letter in after)


def fresh_names(rng: random.Random, names: Sequence[str], count: int, taken: set[str]) -> list[str]:
    """`count` different names of the list, none of them `taken`. Raises ValueError if there are too few."""
    drawn = rng.sample(names, min(count + len(taken), len(names)))
    fresh = [name for name in drawn if name not in taken][:count]
    if len(fresh) < count:
        raise ValueError(
            f"wanted {count} new names for a prompt, but of the {len(names)} names in the list only "
            f"{len(fresh)} are not in it already. Give more names."
        )
    return fresh
