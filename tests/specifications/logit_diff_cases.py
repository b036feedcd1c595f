"""Cases as chapter 2 wants them: logits for a mean logit difference."""

import torch


def cases_for_logit_diff() -> list[dict]:
    """Two prompts, three positions, two pairs of answers, and one prompt that the model gets wrong."""
    logits = torch.zeros(2, 3, 5)
    logits[0, -1] = torch.tensor([3.0, 1.0, 2.0, 0.0, 1.0])
    logits[1, -1] = torch.tensor([0.0, 4.0, 1.0, 2.0, 9.0])
    logits[0, 0, 1], logits[1, 1, 3] = 5.0, 7.0
    return [
        {"logits": logits, "answer_tokens": torch.tensor([[0, 1], [2, 3]]), "expect": 0.5},  # (2 - 1) / 2
    ]
