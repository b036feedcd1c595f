"""What chapter 3's exercises must compute: prompts without their capital, and the scale of a patch."""

from jaxtyping import Float
from torch import Tensor


def corrupt_capitalisation(prompts: list[str]) -> list[str]:
    """Each prompt with its first letter made small, and nothing else changed."""
    return [prompt[:1].lower() + prompt[1:] for prompt in prompts]


def normalize_patched_logit_diff(
    patched_logit_diff: Float[Tensor, "*shape"], clean_logit_diff: float, corrupted_logit_diff: float
) -> Float[Tensor, "*shape"]:
    """0 where patching changed nothing, 1 where it brought all of the clean difference back."""
    return (patched_logit_diff - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)
