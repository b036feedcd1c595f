"""Checks of chapter 3: logits after prompts of different lengths."""

import functools
import random
from collections.abc import Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.prepared import tiny_gpt2
from patchbook.prompts.capitals import RAGGED
from patchbook.tests.mistakes import capitals_padding as mistakes
from patchbook.tests.specifications import capitals_padding as specifications

VOCABULARY = ("cat", "dog", "school", "river", "doctor", "house", "park", "old", "red", "quick", "the", "a")


def _sentence(words: random.Random, length: int) -> str:
    """A text of `length` tokens, BOS and the full stop among them."""
    return "The" + "".join(f" {words.choice(VOCABULARY)}" for _ in range(length - 3)) + "."


def _padded_arguments(side: str, prompts: list[str]) -> dict[str, Any]:
    model = tiny_gpt2(0)
    model.tokenizer.padding_side = side
    return {"model": model, "prompts": [*prompts]}


@checks(
    specifications.left_padded_final_logits,
    mistakes.left_padded_final_logits,
    ready_made=("patchbook.training.measure",),
)
def test_left_padded_final_logits(seed: int) -> Iterator[Case]:
    """The logits after prompts of different lengths."""
    words = random.Random(seed)
    texts = [RAGGED[number].text for number in (2, 4, 0)]
    short, middle, long = (_sentence(words, n) for n in (3, 17, 40))
    rows = (
        ("3 prompts of 3 to 40 tokens", "left", texts),
        ("4 prompts of 40, 3, 17 and 3 tokens, one of them twice", "right", [long, short, middle, short]),
        ("1 prompt of 9 tokens", "right", [_sentence(words, 9)]),
    )
    for text, side, prompts in rows:
        build = functools.partial(_padded_arguments, side, prompts)
        yield Case(f"{text}; the tokenizer pads on the {side}", build)
