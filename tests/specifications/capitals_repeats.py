"""What chapter 3's exercises must compute: is it the capital, or the word that was said before?"""

import math

from jaxtyping import Float
from torch import Tensor


def repeated_word_prompts(frame: str, word: str, other: str) -> dict[str, tuple[str, str]]:
    """The frame begun with the word, and with another one: with a capital, and in small letters."""
    if word.lower() == other.lower():
        raise ValueError(f"the control needs another word than {word!r}")
    begun = {"repeated": word, "control": other}
    return {kind: (frame.replace("{}", w), frame.replace("{}", w.lower())) for kind, w in begun.items()}


def difference_of_differences(
    repeated: Float[Tensor, "pair 2"], control: Float[Tensor, "pair 2"]
) -> tuple[float, float]:
    """How much more a capital does on the word itself than on another one: mean, and its standard error."""
    extra = []
    for (capital, small), (other_capital, other_small) in zip(
        repeated.tolist(), control.tolist(), strict=True
    ):
        extra.append((capital - small) - (other_capital - other_small))
    mean = sum(extra) / len(extra)
    variance = sum((value - mean) ** 2 for value in extra) / (len(extra) - 1)
    return mean, math.sqrt(variance / len(extra))
