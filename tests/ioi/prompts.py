"""What the cases of chapter 2 share: random prompts of two templates."""

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from patchbook.checking.awkward import different_tokens, random_tokens


@dataclass(frozen=True)
class Prompts:
    """What the second half's exercises use of a dataset (see patchbook.prompts.ioi.IOIDataset)."""

    toks: Tensor
    word_idx: dict[str, Tensor]
    io_tokenIDs: list[int]
    s_tokenIDs: list[int]
    groups: list[Tensor]

    @property
    def N(self) -> int:
        return len(self.toks)


def random_prompts(seed: int, batch: int = 4, length: int = 6) -> Prompts:
    """Random prompts of two templates, whose roles stand at different places in each."""
    rng = random.Random(seed)
    ends = [length - 1 - i % 2 for i in range(1, batch + 1)]  # the first prompt is a short one
    places = [[*sorted(rng.sample(range(end), 4)), end] for end in ends]
    roles = {r: torch.tensor([p[i] for p in places]) for i, r in enumerate(("IO", "S1", "S1+1", "S2", "end"))}
    io, s = different_tokens(seed, batch).T.tolist()
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(seed))
    return Prompts(random_tokens(seed, batch, length), roles, io, s, [order[:1], order[1:]])
