"""Checks of chapter 3: is it the capital, or the word that was said before?"""

import functools
import random
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import capitals_repeats as mistakes
from patchbook.tests.specifications import capitals_repeats as specifications

FRAMES = (
    "{} cat of Mary sleeps and waits.",
    "{} USA and I are old.",
    "Yes. {} dog sees John again.",
    "{} letter to Koalas is long.",
)
WORDS = ("The", "This", "That", "My", "Our", "A")


@checks(specifications.repeated_word_prompts, mistakes.repeated_word_prompts)
def test_repeated_word_prompts(seed: int) -> Iterator[Case]:
    """Four prompts: the capital on this word or on another, and no capital."""
    rng = random.Random(seed)
    rows: list[tuple[str, str, str, type[Exception] | None]] = []
    for frame in rng.sample(FRAMES, 3):
        word, other = rng.sample(WORDS, 2)
        rows.append((frame, word, other, None))
    rows.append((rng.choice(FRAMES), "NASA", "This", None))
    rows.append((rng.choice(FRAMES), "That", "UNESCO", None))
    rows.append((rng.choice(FRAMES), "That", "That", ValueError))
    rows.append((rng.choice(FRAMES), "My", "MY", ValueError))
    for frame, word, other, error in rows:

        def arguments(frame=frame, word=word, other=other):
            return {"frame": frame, "word": word, "other": other}

        yield Case(f"{frame!r}, {word!r} against {other!r}", arguments, raises=error)


def _differences(
    seed: int, pairs: int, repeated: float, control: float, alike: float, **options
) -> dict[str, Tensor]:
    """Logit differences after a capital and after a small letter.

    repeated, control: the mean effect of a capital. alike: how much both rows of a pair share.
    """
    shared = alike * randn(seed, pairs, 2, **options)
    rows = {}
    for number, (name, effect) in enumerate((("repeated", repeated), ("control", control))):
        rows[name] = shared + randn(seed + 1 + number, pairs, 2, **options)
        rows[name][:, 0] += effect
    return rows


@checks(specifications.difference_of_differences, mistakes.difference_of_differences)
def test_difference_of_differences(seed: int) -> Iterator[Case]:
    """How much of a capital's effect belongs to the repeated word, with its standard error."""
    rows: tuple[tuple[str, dict[str, Any]], ...] = (
        ("6 pairs, more on the word itself", dict(pairs=6, repeated=4.0, control=1.5, alike=3.0)),
        ("9 pairs, less on the word itself", dict(pairs=9, repeated=1.0, control=3.5, alike=2.0)),
        ("5 pairs in float64", dict(pairs=5, repeated=2.0, control=-1.0, alike=0.0, **DOUBLE)),
        ("2 pairs", dict(pairs=2, repeated=3.0, control=2.0, alike=1.0)),
    )
    for number, (text, options) in enumerate(rows):
        yield Case(text, functools.partial(_differences, seed + 5 * number, **options))
