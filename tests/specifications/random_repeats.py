"""What chapter 1's exercises must compute: random tokens, twice."""

import torch
from jaxtyping import Int
from torch import Tensor
from transformer_lens import TransformerBridge


def generate_repeated_tokens(
    model: TransformerBridge, seq_len: int, batch_size: int = 1
) -> Int[Tensor, "batch full_seq"]:
    """[BOS, half, same half], each half drawn from the whole vocabulary, for each prompt anew."""
    rows = []
    for _ in range(batch_size):
        half = torch.randint(model.cfg.d_vocab, (seq_len,)).tolist()
        rows.append([model.tokenizer.bos_token_id, *half, *half])
    return torch.tensor(rows, device=model.cfg.device)
