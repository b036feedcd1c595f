"""What cases of chapter 5 are held against: right and wrong functions attribution."""

import torch
from jaxtyping import Float
from torch import Tensor

from patchbook.checking import Bench, Mistake


def attribution(
    clean: Float[Tensor, "batch pos d_model"],
    corrupted: Float[Tensor, "batch pos d_model"],
    gradient: Float[Tensor, "batch pos d_model"],
) -> float:
    rows = zip(
        clean.flatten().tolist(), corrupted.flatten().tolist(), gradient.flatten().tolist(), strict=True
    )
    return sum((to - start) * slope for to, start, slope in rows)


def _by_a_sum(clean, corrupted, gradient):
    return ((clean - corrupted) * gradient).sum().item()


def _by_two_sums(clean, corrupted, gradient):
    return torch.tensordot(clean, gradient, 3).item() - torch.tensordot(corrupted, gradient, 3).item()


cases_for_attribution = Bench(
    right=(attribution, _by_a_sum, _by_two_sums),
    wrong=(
        Mistake(
            "corrupted-less-clean",
            lambda clean, corrupted, gradient: _by_a_sum(corrupted, clean, gradient),
            "the way goes from clean to corrupted: the sign is wrong.",
            "Any score that is not 0 shows it.",
        ),
        Mistake(
            "from-zero",
            lambda clean, corrupted, gradient: (clean * gradient).sum().item(),
            "it multiplies the clean activation itself with the gradient, not the change.",
            "What does your corrupted run hold? With zeros, the change is the clean activation.",
        ),
        Mistake(
            "lengths",
            lambda clean, corrupted, gradient: (
                ((clean - corrupted).norm(dim=-1) * gradient.norm(dim=-1)).sum().item()
            ),
            "it multiplies lengths: a change at right angles to the gradient counts as one along it.",
            "Take a change that the metric does not follow. What is its score?",
        ),
        Mistake(
            "absolute",
            lambda clean, corrupted, gradient: ((clean - corrupted) * gradient).abs().sum().item(),
            "every coordinate counts as positive: what should cancel adds up.",
            "Do all products in your cases have the same sign?",
        ),
        Mistake(
            "last-position",
            lambda clean, corrupted, gradient: _by_a_sum(clean[:, -1], corrupted[:, -1], gradient[:, -1]),
            "only the last position counts.",
            "How many positions have your cases, and where is the change?",
        ),
        Mistake(
            "mean-over-positions",
            lambda clean, corrupted, gradient: _by_a_sum(clean, corrupted, gradient) / clean.shape[1],
            "it takes the mean over the positions; the estimate is their sum.",
            "How many positions have your cases?",
        ),
    ),
    enough=6,
)
