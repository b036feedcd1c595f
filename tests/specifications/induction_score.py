"""What chapter 1's exercises must compute: the induction score of every head."""

from jaxtyping import Float
from torch import Tensor
from transformer_lens.hook_points import HookPoint


def induction_score_hook(pattern: Float[Tensor, "batch head query key"], hook: HookPoint) -> None:
    """On [BOS, half, half]: each head's mean on the diagonal seq_len - 1 keys back, into its layer's row."""
    batch, heads, full_seq, _ = pattern.shape
    back = (full_seq - 1) // 2 - 1
    for head in range(heads):
        looks = [pattern[b, head, q, q - back] for b in range(batch) for q in range(back, full_seq)]
        induction_score_store[hook.layer(), head] = sum(looks) / len(looks)


induction_score_hook.notebook_globals = ("induction_score_store",)
