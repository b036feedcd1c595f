"""What chapter 1's exercises must compute: OV circuits and composition, from the weights alone."""

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import FactoredMatrix, TransformerBridge


def full_OV_circuit(model: TransformerBridge, layer: int, head_index: int) -> FactoredMatrix:
    """What each source token's embedding adds to each logit when the head moves it: W_E W_V W_O W_U."""
    read = model.W_E @ model.W_V[layer, head_index]  # (d_vocab, d_head)
    write = model.W_O[layer, head_index] @ model.W_U  # (d_head, d_vocab)
    return FactoredMatrix(read, write)


def top_1_accuracy(full_OV_circuit: FactoredMatrix) -> float:
    """Token by token: is its own logit the largest of its row? A block of rows at a time, for memory."""
    A, B = full_OV_circuit.A, full_OV_circuit.B
    right = 0
    for tokens in torch.arange(A.shape[0], device=A.device).split(256):
        rows = A[tokens] @ B
        right += sum(int(row.argmax() == token) for row, token in zip(rows, tokens, strict=True))
    return right / A.shape[0]


def get_comp_score(W_A: Float[Tensor, "in_A out_A"], W_B: Float[Tensor, "out_A out_B"]) -> float:
    """The size of the product over the sizes of the factors; size is the root of the sum of squares."""

    def size(W: Tensor) -> float:
        return (W * W).sum().sqrt().item()

    return size(W_A @ W_B) / (size(W_A) * size(W_B))


def k_composition_scores(model: TransformerBridge) -> Float[Tensor, "earlier_head later_head"]:
    """For each pair of heads: what the earlier one writes, against what the later one's keys read."""
    scores = model.W_U.new_zeros(model.cfg.n_heads, model.cfg.n_heads)
    for earlier in range(model.cfg.n_heads):
        W_OV = model.W_V[0, earlier] @ model.W_O[0, earlier]
        for later in range(model.cfg.n_heads):
            W_QK = model.W_Q[1, later] @ model.W_K[1, later].T  # queries on the left, keys on the right
            scores[earlier, later] = get_comp_score(W_OV, W_QK.T)
    return scores
