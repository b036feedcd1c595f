"""The known wrong ways of chapter 4: the parts of a logit difference.

In the rows, r are right and w wrong tokens.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import days_parts as specifications


def _parts(edit):
    """edit(parts, model, cache, r, w) -> the dictionary, wrong in some way."""

    def wrong(model, cache, answer_tokens, wrong_tokens):
        parts = specifications.decompose_logit_diff(model, cache, answer_tokens, wrong_tokens)
        return edit(dict(parts), model, cache, answer_tokens, wrong_tokens)

    return wrong


def _scale(cache):
    return cache["ln_final.hook_scale"][:, -1, 0]


def _scaled_by(factor):
    """All parts of the stream times factor(cache), the bias as it is."""

    def edit(parts, model, cache, r, w):
        return {n: part if n == "bias" else part * factor(cache) for n, part in parts.items()}

    return edit


def _at_position(pos):
    class Shifted:
        """A cache that is read at another position, the scale as well."""

        def __init__(self, cache):
            self.cache = cache

        def __getitem__(self, key):
            return self.cache[key][:, pos : pos + 1 if pos != -1 else None]

    return lambda parts, model, cache, r, w: specifications.decompose_logit_diff(model, Shifted(cache), r, w)


def _only_right(parts, model, cache, r, w):
    """Along the answer's column alone, without today's."""
    scale = cache["ln_final.hook_scale"][:, -1]
    names = {"attention": "attn_out", "mlps": "mlp_out"}

    def share(x):
        return ((x - x.mean(-1, keepdim=True)) / scale * model.W_U[:, r].T).sum(-1)

    stacks = {
        n: torch.stack([share(cache[a, layer][:, -1]) for layer in range(model.cfg.n_layers)])
        for n, a in names.items()
    }
    return {"embedding": share(cache["resid_pre", 0][:, -1]), **stacks, "bias": model.b_U[r]}


def _only_token_embedding(parts, model, cache, r, w):
    x, directions = cache["embed"][:, -1], (model.W_U[:, r] - model.W_U[:, w]).T
    centred = (x - x.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, -1]
    return parts | {"embedding": (centred * directions).sum(-1)}


def _accumulated(parts, model, cache, r, w):
    return parts | {name: parts[name].cumsum(0) for name in ("attention", "mlps")}


def _first_scale(cache):
    """Put right: the last position's scale; by mistake, that of position 0."""
    return _scale(cache) / cache["ln_final.hook_scale"][:, 0, 0]


decompose_logit_diff = (
    Mistake(
        "no-bias",
        _parts(lambda p, model, cache, r, w: p | {"bias": torch.zeros_like(p["bias"])}),
        "the bias is zero: b_U[answer] - b_U[today] is left out.",
        "It is the part that no vector of the stream writes. See the missing logits of chapter 3.",
    ),
    Mistake(
        "bias-sign",
        _parts(lambda p, model, cache, r, w: p | {"bias": -p["bias"]}),
        "the bias has the wrong sign.",
        "b_U of the answer less b_U of today.",
    ),
    Mistake(
        "bias-of-the-answer",
        _parts(lambda p, model, cache, r, w: p | {"bias": model.b_U[r]}),
        "the bias is the answer's alone.",
        "Take today's b_U away.",
    ),
    Mistake(
        "bias-over-scale",
        _parts(lambda p, model, cache, r, w: p | {"bias": p["bias"] / _scale(cache)}),
        "the bias is divided by the LayerNorm's scale.",
        "b_U is added after the LayerNorm: leave it as it is.",
    ),
    Mistake(
        "no-scale",
        _parts(_scaled_by(_scale)),
        "the final LayerNorm's scale is missing.",
        'Divide by cache["ln_final.hook_scale"] at the last position.',
    ),
    Mistake(
        "scale-of-the-first-position",
        _parts(_scaled_by(_first_scale)),
        "the LayerNorm's scale is that of the first position.",
        "Every position has its own scale: take the last one's.",
    ),
    Mistake(
        "today-and-tomorrow-swapped",
        _parts(lambda p, model, cache, r, w: {name: -part for name, part in p.items()}),
        "today and tomorrow are the other way round.",
        "The direction is W_U of the answer less W_U of today.",
    ),
    Mistake(
        "only-the-answer",
        _parts(_only_right),
        "this takes the answer's logit apart, not the logit difference.",
        "Project on W_U[:, answer] - W_U[:, today].",
    ),
    Mistake(
        "attention-and-mlps-swapped",
        _parts(lambda p, model, cache, r, w: p | {"attention": p["mlps"], "mlps": p["attention"]}),
        "the parts of attention and of the MLPs have changed places.",
        'attn_out belongs under "attention", mlp_out under "mlps".',
    ),
    Mistake(
        "accumulated",
        _parts(_accumulated),
        "each layer's part holds the layers before it, too.",
        "Use attn_out and mlp_out, what one layer writes, and not the stream.",
    ),
    Mistake(
        "first-position",
        _parts(_at_position(0)),
        "everything is read at the first position.",
        "The answer is predicted at the last one: [:, -1].",
    ),
    Mistake(
        "position-before-last",
        _parts(_at_position(-2)),
        "everything is read one position before the last.",
        "The answer is predicted at the last position: [:, -1].",
    ),
    Mistake(
        "embedding-left-out",
        _parts(lambda p, model, cache, r, w: {n: part for n, part in p.items() if n != "embedding"}),
        "the embedding's part is left out: the parts do not add up.",
        'What the stream holds before layer 0 counts, too: cache["resid_pre", 0], under "embedding".',
    ),
    Mistake(
        "positions-forgotten",
        _parts(_only_token_embedding),
        'the position embedding is missing from "embedding".',
        'cache["resid_pre", 0] is the stream before layer 0: tokens and positions together.',
    ),
    Mistake(
        "averaged",
        _parts(lambda p, model, cache, r, w: {name: part.mean(-1) for name, part in p.items()}),
        "the parts are averaged over the prompts; wanted one number for each prompt.",
        "Keep the batch axis: the caller averages.",
    ),
)
