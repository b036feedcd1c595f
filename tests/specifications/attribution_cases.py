"""Cases as chapter 5 wants them: activations and gradients for an attribution."""

import torch


def cases_for_attribution() -> list[dict]:
    """Two positions, changes both ways, and a corrupted run that is not zero."""
    corrupted = torch.tensor([[[1.0, 2.0], [0.0, 1.0]]])
    change = torch.tensor([[[1.0, -1.0], [2.0, 0.5]]])
    gradient = torch.tensor([[[3.0, 1.0], [-0.5, 2.0]]])
    return [
        # 1 * 3 - 1 * 1 at the first position, - 2 * 0.5 + 0.5 * 2 at the second
        {"clean": corrupted + change, "corrupted": corrupted, "gradient": gradient, "expect": 2.0},
    ]
