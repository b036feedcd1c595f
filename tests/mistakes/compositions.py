"""The known wrong ways of chapter 1: through which door layer 0 can reach layer 1."""

from collections.abc import Callable

import torch

from patchbook.checking import Mistake


def _score(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item()


def _ov(m, layer, head):
    return m.W_V[layer, head] @ m.W_O[layer, head]


def _qk(m, head, layer=1):
    return m.W_Q[layer, head] @ m.W_K[layer, head].T


READS = {"Q": _qk, "K": lambda m, head: _qk(m, head).T, "V": lambda m, head: _ov(m, 1, head)}


def _scores(
    reads: dict = READS,
    writes: Callable = lambda m, head: _ov(m, 0, head),
    score: Callable = _score,
    refuses: bool = True,
) -> Callable:
    """A wrong way to score all pairs of heads, by what each kind reads and what a head writes."""

    def wrong(m, kind):
        if kind not in reads:
            if refuses:
                raise ValueError(kind)
            kind = "V"
        heads = range(m.cfg.n_heads)
        return torch.tensor([[score(writes(m, i), reads[kind](m, j)) for j in heads] for i in heads])

    return wrong


composition_scores = (
    Mistake(
        "q-and-k-swapped",
        _scores(READS | {"Q": READS["K"], "K": READS["Q"]}),
        "Q- and K-composition have changed places.",
        "Queries come in on the left of W_QK, as it is; keys on the right, so it is transposed for them.",
    ),
    Mistake(
        "always-keys",
        _scores(dict.fromkeys(READS, READS["K"])),
        "every kind gives K-composition: kind is not used.",
        "Choose what the later head reads by kind.",
    ),
    Mistake(
        "values-alone",
        _scores(READS | {"V": lambda m, head: m.W_V[1, head]}),
        "for V the later head is W_V alone; wanted all of W_OV.",
        "What passes through the values goes on to W_O: W_V @ W_O.",
    ),
    Mistake(
        "values-transposed",
        _scores(READS | {"V": lambda m, head: _ov(m, 1, head).T}),
        "for V the later head's W_OV is transposed: the earlier head meets what it writes.",
        "W_OV reads on the left, where W_V is. Use it as it is.",
    ),
    Mistake(
        "values-by-queries",
        _scores(READS | {"V": _qk}),
        "for V the later head's W_QK is used.",
        "The values pass through W_OV = W_V @ W_O.",
    ),
    Mistake(
        "queries-and-keys-alone",
        _scores(READS | {"Q": lambda m, head: m.W_Q[1, head], "K": lambda m, head: m.W_K[1, head]}),
        "for Q and K the later head is W_Q or W_K alone; wanted all of W_QK.",
        "A query means something only against keys: W_Q @ W_K.T.",
    ),
    Mistake(
        "not-normalised",
        _scores(score=lambda W_A, W_B: (W_A @ W_B).norm().item()),
        "the products' norms are not divided by the norms of the factors.",
        "Use get_comp_score.",
    ),
    Mistake(
        "order-swapped",
        _scores(score=lambda W_A, W_B: _score(W_B, W_A)),
        "the matrices are multiplied in the wrong order: the later head comes first.",
        "get_comp_score takes the head that writes first: W_OV of layer 0.",
    ),
    Mistake(
        "only-W-O",
        _scores(writes=lambda m, head: m.W_O[0, head]),
        "the earlier head is W_O alone; wanted all of W_OV.",
        "W_OV = W_V @ W_O, of shape (d_model, d_model).",
    ),
    Mistake(
        "within-a-layer",
        _scores(writes=lambda m, head: _ov(m, 1, head)),
        "the heads that write are those of layer 1: heads of one layer do not hear each other.",
        "Take W_OV of layer 0: model.W_V[0] @ model.W_O[0].",
    ),
    Mistake(
        "any-kind",
        _scores(refuses=False),
        "another kind than Q, K and V gives scores, too.",
        "Raise a ValueError for it.",
    ),
)
