"""What chapter 2's exercises must compute: logit differences of prompts that end in different places.

Source of the definitions: Wang et al. 2022, arXiv 2211.00593.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def logits_to_ave_logit_diff_2(
    logits: Float[Tensor, "batch seq d_vocab"], ioi_dataset: object, per_prompt: bool = False
) -> Float[Tensor, "*batch"]:
    """Logit of IO less that of S, each at its own prompt's end."""
    ends = ioi_dataset.word_idx["end"].tolist()
    rows = zip(logits, ends, ioi_dataset.io_tokenIDs, ioi_dataset.s_tokenIDs, strict=True)
    differences = torch.stack([prompt[end, int(io)] - prompt[end, int(s)] for prompt, end, io, s in rows])
    return differences if per_prompt else differences.mean()


def ioi_metric_2(
    logits: Float[Tensor, "batch seq d_vocab"],
    clean_logit_diff: float,
    corrupted_logit_diff: float,
    ioi_dataset: object,
) -> Float[Tensor, ""]:
    """0 where the model does as well as on clean prompts, -1 where as badly as on corrupted ones."""
    difference = logits_to_ave_logit_diff_2(logits, ioi_dataset)
    return (difference - clean_logit_diff) / (clean_logit_diff - corrupted_logit_diff)
