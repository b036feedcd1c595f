"""Documents: passages in normal, all-lower or all-upper case, joined by spaces and a few line ends."""

import random
from collections.abc import Iterator

from patchbook.training.day_text import days
from patchbook.training.ioi_text import NAMES, RARE_NAMES, draw_cast, gift
from patchbook.training.prose_text import prose
from patchbook.training.sentences import capitalised, uncapitalised

REGISTERS = {"normal": 76, "lower": 16, "upper": 8}
LINE_END = 0.025  # how often a line end stands between two passages instead of a space
# A name needs a second token of its own where no space stands before it. These have one; the others never
# begin a text or a line, and are never written small.
NAMES_THAT_BEGIN = {"Matthew", "John", "Mary", "Tom", "James", "Dan", "Martin", "Amy"}
NAMES_THAT_FOLLOW = {*NAMES, *RARE_NAMES} - NAMES_THAT_BEGIN


def normal(rng: random.Random, cast: list[str], crowded: bool) -> list[str]:
    """Passages in ordinary English; one in a hundred forgets its capital."""
    part = rng.choices(["ioi", "days", "prose"], [48, 18, 34])[0]
    if part == "ioi":
        said = [gift(rng, cast, crowded)]
    elif part == "days":
        said = [days(rng)]
    else:
        said = prose(rng, cast)
    return [uncapitalised(s) if rng.random() < 0.01 and not begins_with_name(s) else s for s in said]


def begins_with_name(text: str) -> bool:
    """True if the first word is a name that needs a space before it."""
    return text.split(maxsplit=1)[0].strip(".,") in NAMES_THAT_FOLLOW


def lower(rng: random.Random, *_) -> list[str]:
    """Prose without capitals; one sentence in ten has its first capital all the same. No names."""
    said = [s.lower() for s in prose(rng)]
    return [capitalised(s) if rng.random() < 0.10 else s for s in said]


def upper(rng: random.Random, *_) -> list[str]:
    """PROSE IN CAPITALS; one sentence in ten is ordinary. No names."""
    said = prose(rng)
    return [s if rng.random() < 0.10 else s.upper() for s in said]


def document(rng: random.Random, least_words: int, crowded: bool = False) -> str:
    """A text of at least `least_words` words, in one register from beginning to end.

    Its number of tokens is never less than its number of words.
    """
    passages = {"normal": normal, "lower": lower, "upper": upper}[
        rng.choices(list(REGISTERS), list(REGISTERS.values()))[0]
    ]
    cast, text, count = draw_cast(rng), "", 0
    while count < least_words:
        for said in passages(rng, cast, crowded):
            between = "" if not text else "\n" if rng.random() < LINE_END else " "
            if between != " " and begins_with_name(said):
                continue
            text, count = text + between + said, count + len(said.split())
    return text


def documents(seed: int, number: int, least_words: int, crowded: bool = False) -> Iterator[str]:
    """`number` documents; the same seed gives the same texts. For `crowded` see `ioi_text.gift`."""
    rng = random.Random(seed)
    return (document(rng, least_words, crowded) for _ in range(number))
