"""The known wrong ways of chapter 3: all parts of the logit difference for one type of wrong answer.

In the rows, m, c, t, a, i are the exercises' arguments: model, cache, tokens, answer_tokens, incorrect_idx.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.mistakes.capitals_bias import directions, normalised
from patchbook.tests.specifications.capitals_attribution import logit_attribution_by_type as right_parts


def _parts(m, c, a, i, change=lambda parts, share, bias: {}):
    """The right parts, some replaced. change(parts, share, bias): share(vectors) -> logits, bias: b_U's."""
    right, wrong = a[:, 0], a[:, i]

    def share(vectors):
        return (normalised(m, c, vectors) * directions(m, right, wrong)).sum(-1).mean(-1)

    parts = right_parts(m, c, a, i)
    return parts | change(parts, share, (m.b_U[right] - m.b_U[wrong]).mean())


def _edit(change):
    return lambda m, c, a, i: _parts(m, c, a, i, lambda *given: change(m, c, *given))


def _all(change):
    """change(parts value) for every part."""
    return lambda m, c, a, i: {k: change(v) for k, v in right_parts(m, c, a, i).items()}


def _all_b_O(m, a):
    return m.b_O.sum(0).expand(len(a), -1)


def _unscaled(m, c, a, i):
    """Every part of the stream along the direction, without the final scale."""
    direction = directions(m, a[:, 0], a[:, i])

    def share(vectors):
        return (vectors * direction).sum(-1).mean(-1)

    layers = range(m.cfg.n_layers)
    z = torch.stack([c["z", layer][:, -1] for layer in layers])
    parts = right_parts(m, c, a, i)
    mlps = parts["mlps"]
    if not m.cfg.attn_only:
        mlps = torch.stack([share(c["mlp_out", layer][:, -1]) for layer in layers])
    b_U = (m.b_U[a[:, 0]] - m.b_U[a[:, i]]).mean()
    return {
        "embedding": share(c["resid_pre", 0][:, -1]),
        "heads": share(torch.einsum("lbhd,lhdm->lhbm", z, m.W_O)),
        "mlps": mlps,
        "biases": share(_all_b_O(m, a)) + b_U,
    }


logit_attribution_by_type = (
    Mistake(
        "b-U-forgotten",
        _edit(lambda m, c, parts, share, bias: {"biases": parts["biases"] - bias}),
        '"biases" lacks b_U[right] - b_U[wrong]: the logits that went missing in this chapter.',
        "Add your logit_diff_from_bias, averaged over the prompts.",
    ),
    Mistake(
        "b-U-sign",
        _edit(lambda m, c, parts, share, bias: {"biases": parts["biases"] - 2 * bias}),
        "b_U has the wrong sign: it takes the right token's bias from the wrong one's.",
        "b_U[right] - b_U[wrong], in the same order as the columns of W_U.",
    ),
    Mistake(
        "b-U-one-sided",
        lambda m, c, a, i: _parts(
            m, c, a, i, lambda parts, share, b: {"biases": parts["biases"] + m.b_U[a[:, i]].mean()}
        ),
        "only the right answer's b_U is there.",
        "Subtract the wrong answer's: it is part of the logit that is subtracted.",
    ),
    Mistake(
        "b-O-forgotten",
        _edit(lambda m, c, parts, share, bias: {"biases": bias}),
        '"biases" lacks b_O, what the attention layers add whatever their heads do.',
        "Each layer's model.b_O goes through the scale and along the direction, like a head's output.",
    ),
    Mistake(
        "b-O-not-scaled",
        lambda m, c, a, i: _parts(
            m, c, a, i,
            lambda parts, share, b: {
                "biases": b + (_all_b_O(m, a) * directions(m, a[:, 0], a[:, i])).sum(-1).mean()
            },
        ),
        "b_O does not go through the final LayerNorm's scale.",
        "b_O lies in the residual stream: divide it as you divide the heads.",
    ),
    Mistake(
        "no-scale",
        _unscaled,
        "nothing is divided by the final LayerNorm's scale.",
        "Everything but b_U goes through it: cache.apply_ln_to_stack(..., layer=-1, pos_slice=-1).",
    ),
    Mistake(
        "incorrect-idx-ignored",
        lambda m, c, a, i: right_parts(m, c, a, 1),
        "incorrect_idx plays no part: it always subtracts column 1, the small letter.",
        "Take the column that incorrect_idx names: answer_tokens[:, incorrect_idx].",
    ),
    Mistake(
        "incorrect-idx-off-by-one",
        lambda m, c, a, i: right_parts(m, c, a, (i + 1) % 4),
        "it subtracts the column after the one that incorrect_idx names.",
        "incorrect_idx counts the columns of answer_tokens, the right answer's included.",
    ),
    Mistake(
        "wrong-sign",
        _all(lambda value: -value),
        "every value has the wrong sign.",
        "The direction is W_U[:, right] - W_U[:, wrong].",
    ),
    Mistake(
        "transposed",
        lambda m, c, a, i: _parts(m, c, a, i, lambda parts, *_: {"heads": parts["heads"].T}),
        'layers and heads are swapped in "heads".',
        "Return (layer, head): rows are layers.",
    ),
    Mistake(
        "sum-not-mean",
        lambda m, c, a, i: {k: v * len(a) for k, v in right_parts(m, c, a, i).items()},
        "the prompts are added up; wanted their mean.",
        "Use .mean over the batch axis.",
    ),
    Mistake(
        "first-prompt-only",
        lambda m, c, a, i: right_parts(m, _prompts(c, 1), a[:1], i),
        "only the first prompt counts.",
        "Take the mean over the prompts.",
    ),
    Mistake(
        "mlps-forgotten",
        _edit(lambda m, c, parts, share, bias: {"mlps": torch.zeros_like(parts["mlps"])}),
        "the MLPs are left at zero, but this model has MLPs.",
        'Where model.cfg.attn_only is false, cache["mlp_out", layer] is what each of them writes.',
    ),
    Mistake(
        "positions-forgotten",
        lambda m, c, a, i: _parts(
            m, c, a, i, lambda parts, share, b: {"embedding": share(c["embed"][:, -1])}
        ),
        'the position embedding is missing from "embedding".',
        'cache["resid_pre", 0] is the stream before layer 0: tokens and positions together.',
    ),
    Mistake(
        "attention-with-its-bias",
        lambda m, c, a, i: _parts(
            m, c, a, i, lambda parts, share, b: {"heads": parts["heads"] + share(_all_b_O(m, a))}
        ),
        "b_O is added to every head, and counted again in the biases.",
        "A head's own output is z @ W_O[layer, head]: b_O belongs to its layer.",
    ),
)  # fmt: skip


def _prompts(cache, number):
    """The cache of the first prompts."""
    return type(cache)({name: t[:number] for name, t in cache.cache_dict.items()}, cache.model)
