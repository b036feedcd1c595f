"""Answers to chapter 1: through which door layer 0 can reach layer 1."""

import torch
from transformer_lens import FactoredMatrix

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def score(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item()


# composition_scores
@right("composition_scores")
def by_a_dictionary(model, kind):
    W_OV = model.W_V @ model.W_O
    W_QK = model.W_Q[1] @ model.W_K[1].mT
    reads = {"Q": W_QK, "K": W_QK.mT, "V": W_OV[1]}
    if kind not in reads:
        raise ValueError(f"no such kind: {kind}")
    return torch.tensor([[score(writes, read) for read in reads[kind]] for writes in W_OV[0]])


@right("composition_scores")
def all_pairs_in_one_product(model, kind):
    left, right_ = {"Q": (model.W_Q, model.W_K), "K": (model.W_K, model.W_Q)}.get(kind, (None, None))
    if kind == "V":
        reads = model.W_V[1] @ model.W_O[1]
    elif left is not None:
        reads = left[1] @ right_[1].mT
    else:
        raise ValueError(kind)
    writes, norm = model.W_V[0] @ model.W_O[0], torch.linalg.matrix_norm
    return norm(writes[:, None] @ reads[None]) / (norm(writes)[:, None] * norm(reads)[None])


@right("composition_scores")
def by_factored_matrices(model, kind):
    n, scores = model.cfg.n_heads, torch.zeros(model.cfg.n_heads, model.cfg.n_heads)
    for i in range(n):
        for j in range(n):
            writes = FactoredMatrix(model.W_V[0, i], model.W_O[0, i])
            match kind:
                case "Q":
                    reads = FactoredMatrix(model.W_Q[1, j], model.W_K[1, j].T)
                case "K":
                    reads = FactoredMatrix(model.W_K[1, j], model.W_Q[1, j].T)
                case "V":
                    reads = FactoredMatrix(model.W_V[1, j], model.W_O[1, j])
                case _:
                    raise ValueError(kind)
            scores[i, j] = (writes @ reads).norm() / (writes.norm() * reads.norm())
    return scores


@wrong("composition_scores", "q-and-k-swapped")
def the_wrong_side(model, kind):
    return by_a_dictionary(model, {"Q": "K", "K": "Q"}.get(kind, kind))


@wrong("composition_scores", "always-keys")
def keys_whatever_is_asked(model, kind):
    if kind not in "QKV" or len(kind) != 1:
        raise ValueError
    return by_a_dictionary(model, "K")


@wrong("composition_scores", "values-alone")
def without_the_output_matrix(model, kind):
    if kind != "V":
        return by_a_dictionary(model, kind)
    return torch.tensor([[score(a, v) for v in model.W_V[1]] for a in model.W_V[0] @ model.W_O[0]])


@wrong("composition_scores", "values-by-queries")
def values_like_queries(model, kind):
    return by_a_dictionary(model, "Q" if kind == "V" else kind)


@wrong("composition_scores", "any-kind")
def else_means_values(model, kind):
    return by_a_dictionary(model, kind if kind in ("Q", "K") else "V")


@wrong("composition_scores", "transposed")
def readers_as_rows(model, kind):
    return by_a_dictionary(model, kind).T.contiguous()


@wrong("composition_scores", "ready-made")
def asked_the_library(model, kind):
    if kind not in ("Q", "K", "V"):
        raise ValueError(kind)
    return model.all_composition_scores(kind).scores[0, :, 1]
