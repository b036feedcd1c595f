"""Cases as chapter 6 wants them: scores of prompts for faithfulness."""

import torch


def cases_for_faithfulness() -> list[dict]:
    """Prompts that differ, an empty circuit that is not 0, and circuits beyond both ends."""
    empty, full = torch.tensor([1.0, 1.0]), torch.tensor([2.0, 6.0])
    half = {"circuit": torch.tensor([2.0, 3.0]), "empty": empty, "full": full, "expect": 0.5}
    more = {"circuit": torch.tensor([2.0, 9.0]), "empty": empty, "full": full, "expect": 1.5}
    less = {"circuit": torch.tensor([0.0, 1.0]), "empty": empty, "full": full, "expect": -1 / 6}
    return [half, more, less]
