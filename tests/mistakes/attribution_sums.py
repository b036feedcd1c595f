"""The known wrong ways of chapter 1: all parts of a logit.

In the rows, t, m, c, p are the exercise's arguments: tokens, model, cache, token_position.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.mistakes.attribution import heads, of_layers, scaled, stack, written


def _all_parts(t, m, c, p, **edits):
    """The right parts, some replaced: each edit is a function of (to_logit, correct, parts)."""
    correct = t[0, p + 1]

    def to_logit(vectors):
        return scaled(m, c, vectors, p) @ m.W_U[:, correct]

    parts = {
        "embedding": to_logit(c["resid_pre", 0][0, p]),
        "heads": heads(t, m, c, p),
        "mlps": torch.zeros_like(m.b_O[:, 0]) if m.cfg.attn_only else of_layers(t, m, c, p, "mlp_out"),
        "biases": to_logit(m.b_O).sum() + m.b_U[correct],
    }
    return parts | {part: edit(to_logit, correct, parts) for part, edit in edits.items()}


def _without_scale(t, m, c, p):
    column = m.W_U[:, t[0, p + 1]]
    return _all_parts(
        t, m, c, p,
        embedding=lambda *_: c["resid_pre", 0][0, p] @ column,
        heads=lambda *_: written(m, c, p) @ column,
        mlps=lambda to, i, parts: parts["mlps"] if m.cfg.attn_only else stack(m, c, "mlp_out", p) @ column,
        biases=lambda *_: m.b_O.sum(0) @ column + m.b_U[t[0, p + 1]],
    )  # fmt: skip


def _mlp_biases(m, to_logit):
    return torch.zeros_like(m.b_O[:, 0]) if m.cfg.attn_only else to_logit(m.b_out)


full_logit_attribution = (
    Mistake(
        "no-scale",
        _without_scale,
        "nothing is divided by the final LayerNorm's scale.",
        "Every part except b_U goes through the scale at token_position.",
    ),
    Mistake(
        "embedding-not-scaled",
        lambda t, m, c, p: _all_parts(
            t, m, c, p, embedding=lambda *_: c["resid_pre", 0][0, p] @ m.W_U[:, t[0, p + 1]]
        ),
        'only "embedding" does not go through the final LayerNorm\'s scale.',
        "The embedding lies in the same residual stream as the rest: divide it by the same scale.",
    ),
    Mistake(
        "positions-forgotten",
        lambda t, m, c, p: _all_parts(t, m, c, p, embedding=lambda to, *_: to(c["embed"][0, p])),
        'the position embedding is missing from "embedding".',
        'cache["resid_pre", 0] is the stream before layer 0: tokens and positions together.',
    ),
    Mistake(
        "mlps-forgotten",
        lambda t, m, c, p: _all_parts(t, m, c, p, mlps=lambda to, i, parts: parts["mlps"] * 0),
        "the MLPs are left at zero, but this model has MLPs.",
        'Where model.cfg.attn_only is false, cache["mlp_out", layer] is what each of them writes.',
    ),
    Mistake(
        "no-mlps-key",
        lambda t, m, c, p: {
            part: v for part, v in _all_parts(t, m, c, p).items() if part != "mlps" or not m.cfg.attn_only
        },
        'a model without MLPs gets no "mlps"; wanted one zero for each layer.',
        "torch.zeros(model.cfg.n_layers): the caller can then add up the parts of any model.",
    ),
    Mistake(
        "b-O-forgotten",
        lambda t, m, c, p: _all_parts(t, m, c, p, biases=lambda to, i, parts: m.b_U[i]),
        '"biases" holds b_U only: the attention layers\' output biases b_O are missing.',
        "model.b_O has a row for each layer: send them through the scale to the logit, and add them up.",
    ),
    Mistake(
        "b-U-forgotten",
        lambda t, m, c, p: _all_parts(t, m, c, p, biases=lambda to, *_: to(m.b_O).sum()),
        '"biases" lacks b_U, the unembedding\'s own bias.',
        "Add model.b_U of the correct token. It comes after the scale, so it is not divided.",
    ),
    Mistake(
        "b-U-scaled",
        lambda t, m, c, p: _all_parts(
            t, m, c, p, biases=lambda to, i, parts: to(m.b_O).sum() + scaled(m, c, m.b_U[i], p).sum()
        ),
        "b_U is divided by the final LayerNorm's scale.",
        "b_U is added after the LayerNorm: take it as it is.",
    ),
    Mistake(
        "b-O-not-scaled",
        lambda t, m, c, p: _all_parts(
            t, m, c, p, biases=lambda to, i, parts: m.b_O.sum(0) @ m.W_U[:, i] + m.b_U[i]
        ),
        "b_O does not go through the final LayerNorm's scale.",
        "b_O lies in the residual stream, before the LayerNorm: divide it as you divide the heads.",
    ),
    Mistake(
        "last-b-O-only",
        lambda t, m, c, p: _all_parts(t, m, c, p, biases=lambda to, i, parts: to(m.b_O[-1]) + m.b_U[i]),
        '"biases" has the last layer\'s b_O only.',
        "Every layer adds its b_O: sum over the rows of model.b_O.",
    ),
    Mistake(
        "mlp-bias-twice",
        lambda t, m, c, p: _all_parts(
            t, m, c, p, biases=lambda to, i, parts: parts["biases"] + _mlp_biases(m, to).sum()
        ),
        "the MLPs' output biases are counted twice.",
        'cache["mlp_out", layer] contains the MLP\'s own bias; "biases" needs b_O and b_U only.',
    ),
    Mistake(
        "mlp-bias-moved",
        lambda t, m, c, p: _all_parts(
            t, m, c, p,
            mlps=lambda to, i, parts: parts["mlps"] - _mlp_biases(m, to),
            biases=lambda to, i, parts: parts["biases"] + _mlp_biases(m, to).sum(),
        ),
        'the sum is right, but the MLPs\' output biases are in "biases"; wanted in "mlps".',
        'Take cache["mlp_out", layer] as it is.',
    ),
    Mistake(
        "bias-in-heads",
        lambda t, m, c, p: _all_parts(
            t, m, c, p,
            heads=lambda to, i, parts: parts["heads"] + to(m.b_O)[:, None] / m.cfg.n_heads,
            biases=lambda to, i, parts: m.b_U[i],
        ),
        'the sum is right, but b_O is spread over the heads; wanted in "biases".',
        'A head gives its own output and no more: all of b_O goes to "biases".',
    ),
    Mistake(
        "own-token",
        lambda t, m, c, p: _all_parts(torch.cat([t[:, : p + 1], t[:, p:]], dim=1), m, c, p),
        "this is the logit of the token at token_position, which the model has already read.",
        "The correct next token is tokens[0, token_position + 1].",
    ),
    Mistake(
        "position-after",
        lambda t, m, c, p: _all_parts(t[:, [0, *range(t.shape[1])]], m, c, p + 1),
        "the stream is read one position late, where the correct token already stands.",
        "A prediction is made one position before its token: read the cache at token_position.",
    ),
    Mistake(
        "heads-transposed",
        lambda t, m, c, p: _all_parts(t, m, c, p, heads=lambda to, i, parts: parts["heads"].T),
        'the axes of "heads" are swapped.',
        'Return "heads" in the order (layer, head).',
    ),
    Mistake(
        "layers-not-heads",
        lambda t, m, c, p: _all_parts(t, m, c, p, heads=lambda *_: of_layers(t, m, c, p, "attn_out")),
        '"heads" holds whole attention layers; wanted each head by itself.',
        "Your logit_attribution has these numbers already: call it.",
    ),
    Mistake(
        "final-stream-as-embedding",
        lambda t, m, c, p: _all_parts(
            t, m, c, p, embedding=lambda to, *_: to(c["resid_post", m.cfg.n_layers - 1][0, p])
        ),
        '"embedding" is read from the stream after the last layer, which contains everything.',
        'Read it before layer 0: cache["resid_pre", 0].',
    ),
)  # fmt: skip
