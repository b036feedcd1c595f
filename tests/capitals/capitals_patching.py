"""Checks of chapter 3: prompts without their capital, and the scale of a patch."""

import random
from collections.abc import Iterator

from patchbook.checking import Case, checks
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import capitals_patching as mistakes
from patchbook.tests.specifications import capitals_patching as specifications

SENTENCES = (
    "The cat of Mary sleeps. It is old.",
    "I think that I am.",
    "Koalas are grumpy cute.",
    "HELLO. GO.",
    "Matthew and John know it. They run.",
    "A USA of small letters.",
)


@checks(
    specifications.corrupt_capitalisation,
    mistakes.corrupt_capitalisation,
)
def test_corrupt_capitalisation(seed: int) -> Iterator[Case]:
    """The same prompts without their first capital."""
    sentences = random.Random(seed).sample(SENTENCES, len(SENTENCES))
    for part in (sentences[:2], [*sentences[2:5], sentences[2]], sentences[5:]):  # one stands twice
        more = ", …" * (len(part) > 1)
        yield Case(f"{len(part)}: {part[0]!r}{more}", lambda part=part: {"prompts": [*part]})
    small = ["this is small already.", "Élan is beyond ASCII.", "3 cats sleep."]
    yield Case("first letters that are small, accented, or none", lambda: {"prompts": [*small]})


@checks(specifications.normalize_patched_logit_diff, mistakes.normalize_patched_logit_diff)
def test_normalize_patched_logit_diff(seed: int) -> Iterator[Case]:
    """Patched logit differences on a scale from corrupted (0) to clean (1)."""
    rows = (
        ("(4, 9), clean 3.1, corrupted 1.2", (4, 9), 3.1, 1.2, {}),
        ("(3, 5, 2) in float64, clean 0.4, corrupted -2.6", (3, 5, 2), 0.4, -2.6, DOUBLE),
        ("(6,), clean below corrupted", (6,), -0.7, 1.9, {}),
        ("one number", (), 2.3, -1.7, {}),
    )
    for number, (text, shape, clean, corrupted, options) in enumerate(rows):

        def arguments(number=number, shape=shape, clean=clean, corrupted=corrupted, options=options):
            patched = 2 * randn(seed + number, *shape, **options)
            ends = {"clean_logit_diff": clean, "corrupted_logit_diff": corrupted}
            return {"patched_logit_diff": patched} | ends

        yield Case(text, arguments)
