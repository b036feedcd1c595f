"""The known wrong ways of chapter 3: the missing logits, padding, attribution by type.

In the rows, m, c, t, a, i are the exercises' arguments: model, cache, tokens, answer_tokens, incorrect_idx.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications.capitals import logit_attribution_by_type as right_parts


def _direction(m, right, wrong):
    return (m.W_U[:, right] - m.W_U[:, wrong]).T


def _normal(m, c, x, position=-1, layer="ln_final.hook_scale"):
    """Centred and divided by a scale, where the model has one."""
    if m.cfg.normalization_type is None:
        return x
    return (x - x.mean(-1, keepdim=True)) / c[layer][:, position]


def _gap(attributed, *, position=-1, bias=0.0, sign=1.0):
    """true difference - attributed(model, cache, answers), with a known fault."""

    def wrong(m, t, a):
        logits, c = m.run_with_cache(t)
        right, other = logits[:, position].gather(1, a).T
        in_stream = attributed(m, c, a)
        return sign * (right - other - in_stream - bias * (m.b_U[a[:, 0]] - m.b_U[a[:, 1]]))

    return wrong


def _in_stream(m, c, a, x=None, **where):
    x = c["resid_post", -1][:, -1] if x is None else x
    return (_normal(m, c, x, **where) * _direction(m, *a.T)).sum(-1)


def _without_scale(m, c, a):
    return (c["resid_post", -1][:, -1] * _direction(m, *a.T)).sum(-1)


def _with_mean_scale(m, c, a):
    if m.cfg.normalization_type is None:
        return _in_stream(m, c, a)
    x = c["resid_post", -1][:, -1]
    x = (x - x.mean(-1, keepdim=True)) / c["ln_final.hook_scale"][:, -1].mean()
    return (x * _direction(m, *a.T)).sum(-1)


missing_logits = (
    Mistake(
        "reversed",
        _gap(_in_stream, sign=-1.0),
        "every value has the wrong sign.",
        "The true difference minus what the stream accounts for; right answer minus wrong one in both.",
    ),
    Mistake(
        "true-difference",
        _gap(lambda m, c, a: 0.0),
        "this is the model's logit difference; what the stream accounts for is not taken away.",
        "Subtract the final residual stream, through the scale, along W_U[:, right] - W_U[:, wrong].",
    ),
    Mistake(
        "attributed-difference",
        lambda m, t, a: _in_stream(m, m.run_with_cache(t)[1], a),
        "this is what the stream accounts for; wanted the true difference minus that.",
        "Take the true logit difference from the model's own logits, and subtract.",
    ),
    Mistake(
        "no-scale",
        _gap(_without_scale),
        "the residual stream goes past the final LayerNorm: nothing is divided by its scale.",
        'cache["ln_final.hook_scale"][:, -1], or cache.apply_ln_to_stack(..., layer=-1, pos_slice=-1).',
    ),
    Mistake(
        "scale-of-the-first-position",
        _gap(lambda m, c, a: _in_stream(m, c, a, position=0)),
        "the scale is the first position's; each position has its own.",
        "The stream is read at the last position: pos_slice=-1.",
    ),
    Mistake(
        "mean-scale",
        _gap(_with_mean_scale),
        "all prompts are divided by one scale; each prompt has its own.",
        'Keep the batch axis of cache["ln_final.hook_scale"][:, -1].',
    ),
    Mistake(
        "stream-of-the-first-position",
        _gap(lambda m, c, a: _in_stream(m, c, a, x=c["resid_post", -1][:, 0])),
        "the residual stream is read at the first position, the logits at the last.",
        'Take both at the last position: cache["resid_post", -1][:, -1].',
    ),
    Mistake(
        "stream-before-the-last-layer",
        _gap(lambda m, c, a: _in_stream(m, c, a, x=c["resid_pre", m.cfg.n_layers - 1][:, -1])),
        "the stream is read before the last layer, so that layer's share counts as missing.",
        'The whole stream: cache["resid_post", -1], after the last layer.',
    ),
    Mistake(
        "bias-in-the-stream",
        _gap(_in_stream, bias=1.0),
        "nothing is missing: b_U is counted with the stream.",
        "Leave b_U out of what the stream accounts for. It is what the question is about.",
    ),
    Mistake(
        "averaged",
        lambda m, t, a: _gap(_in_stream)(m, t, a).mean(),
        "the prompts are averaged; wanted one value for each prompt.",
        "Leave the batch axis: averaging is one of the suspects.",
    ),
    Mistake(
        "only-the-right-answer",
        lambda m, t, a: _gap(_in_stream)(m, t, a) + m.b_U[a[:, 1]],
        "this is what is missing from the right answer's logit; the wrong one's is not taken away.",
        "Take the difference of two logits, and the difference of two columns of W_U.",
    ),
    Mistake(
        "one-prompts-answers",
        lambda m, t, a: _gap(_in_stream)(m, t, a[:1].expand_as(a)),
        "the first prompt's answers are used for all prompts.",
        "Row i of answer_tokens belongs to row i of tokens.",
    ),
    Mistake(
        "absolute",
        lambda m, t, a: _gap(_in_stream)(m, t, a).abs(),
        "the differences have lost their sign.",
        "Leave .abs() out: the sign is a clue.",
    ),
)


def _bias(formula):
    """formula(b_U of the right tokens, b_U of the wrong tokens)."""
    return lambda m, a: formula(m.b_U[a[:, 0]], m.b_U[a[:, 1]])


logit_diff_from_bias = (
    Mistake(
        "answers-swapped",
        _bias(lambda right, wrong: wrong - right),
        "the answers are the other way round: it takes the right token's bias from the wrong one's.",
        "Column 0 of answer_tokens is the right answer: b_U[right] - b_U[wrong], the true sign.",
    ),
    Mistake(
        "only-the-right-answer",
        _bias(lambda right, wrong: right),
        "this is the bias of the right token; the wrong one's is not taken away.",
        "A logit difference has two logits, and each has its bias.",
    ),
    Mistake(
        "only-the-wrong-answer",
        _bias(lambda right, wrong: wrong),
        "this is the bias of the wrong token.",
        "b_U of the right token minus b_U of the wrong one.",
    ),
    Mistake(
        "added",
        _bias(lambda right, wrong: right + wrong),
        "the two biases are added.",
        "Subtract the wrong token's bias: it is part of the logit that is subtracted.",
    ),
    Mistake(
        "averaged",
        _bias(lambda right, wrong: (right - wrong).mean()),
        "the prompts are averaged; wanted one value for each prompt.",
        "Leave the batch axis.",
    ),
    Mistake(
        "absolute",
        _bias(lambda right, wrong: (right - wrong).abs()),
        "the differences have lost their sign.",
        "Leave .abs() out: the bias may favour the wrong answer.",
    ),
    Mistake(
        "zero",
        _bias(lambda right, wrong: torch.zeros_like(right)),
        "it gives zeros: the bias that compatibility mode leaves in the LayerNorm.",
        "The LayerNorm's bias was folded away. Where did it go? What else comes after ln_final?",
    ),
    Mistake(
        "weights-not-bias",
        lambda m, a: _direction(m, *a.T).sum(-1),
        "it adds up columns of W_U, the unembedding's weights.",
        "The weights are in the attribution already. What else does the unembedding add?",
    ),
    Mistake(
        "one-prompts-answers",
        lambda m, a: (m.b_U[a[0, 0]] - m.b_U[a[0, 1]]).expand(len(a)),
        "the first prompt's answers are used for all prompts.",
        "Each row of answer_tokens has its own two tokens.",
    ),
    Mistake(
        "pairs-of-all",
        lambda m, a: m.b_U[a[:, 0]][:, None] - m.b_U[a[:, 1]][None],
        "every right answer is compared with every wrong one.",
        "Take row by row: m.b_U[answer_tokens[:, 0]] - m.b_U[answer_tokens[:, 1]].",
    ),
)


def _rows(m, prompts, **options):
    return [m.to_tokens(prompt, **options) for prompt in prompts]


def _masked_by_id(m, prompts):
    tokens = m.to_tokens(prompts, padding_side="left")
    return m(tokens, attention_mask=(tokens != m.tokenizer.pad_token_id).long())[:, -1]


def _ends(m, prompts):
    return [row.shape[1] - 1 for row in _rows(m, prompts)]


def _right_padded(m, prompts):
    """All logits of the prompts padded on the right: (batch, pos, d_vocab)."""
    return m(m.to_tokens(prompts, padding_side="right"))


def _one_by_one(m, prompts, of=lambda logits: logits[:, -1], **options):
    return torch.cat([of(m(row)) for row in _rows(m, prompts, **options)])


left_padded_final_logits = (
    Mistake(
        "no-mask",
        lambda m, prompts: m(m.to_tokens(prompts, padding_side="left"))[:, -1],
        "padded tokens are run without a mask: the padding is read as if it were text.",
        "A tensor says nothing of its padding. Give the model the strings, or an attention_mask.",
    ),
    Mistake(
        "tokens-without-a-mask",
        lambda m, prompts: m(m.to_tokens(prompts))[:, -1],
        "padded tokens are run without a mask, on whatever side the tokenizer pads: the padding is read.",
        "A tensor says nothing of its padding. Give the model the strings, with padding_side='left'.",
    ),
    Mistake(
        "padding-read",
        lambda m, prompts: _right_padded(m, prompts)[:, -1],
        "the prompts are padded on the right, and the last position is padding.",
        "Pad on the left (padding_side='left'), or read each prompt at its own last token.",
    ),
    Mistake(
        "side-not-chosen",
        lambda m, prompts: m(prompts)[:, -1],
        "it is right only where the tokenizer pads on the left, which nobody promised.",
        "Choose the side yourself: padding_side='left'.",
    ),
    Mistake(
        "no-bos",
        _masked_by_id,
        "BOS is missing, or hidden by a mask: the padding token is the same token.",
        "Leave prepend_bos as the model has it. For a mask, count: the last n positions are real.",
    ),
    Mistake(
        "bos-twice",
        lambda m, prompts: _one_by_one(m, [m.tokenizer.bos_token + p for p in prompts], prepend_bos=True),
        "BOS stands twice.",
        "model.to_tokens puts it there: do not add it to the text.",
    ),
    Mistake(
        "position-before-last",
        lambda m, prompts: _one_by_one(m, prompts, of=lambda logits: logits[:, -2]),
        "the logits are read one position before the last, before the full stop.",
        "The last token's own position predicts what comes next.",
    ),
    Mistake(
        "first-position",
        lambda m, prompts: _one_by_one(m, prompts, of=lambda logits: logits[:, 0]),
        "the logits are read at the first position.",
        "Read them at the last position of each prompt.",
    ),
    Mistake(
        "mean-over-positions",
        lambda m, prompts: _one_by_one(m, prompts, of=lambda logits: logits.mean(1)),
        "the logits are averaged over positions.",
        "Read them at the last position of each prompt.",
    ),
    Mistake(
        "one-end-for-all",
        lambda m, prompts: _right_padded(m, prompts)[:, min(_ends(m, prompts))],
        "every prompt is read where the shortest one ends.",
        "Each prompt has its own last position.",
    ),
    Mistake(
        "sorted-by-length",
        lambda m, prompts: _one_by_one(m, sorted(prompts, key=lambda p: m.to_tokens(p).shape[1])),
        "the values are right, but the prompts come back sorted by length.",
        "Row i of the result belongs to prompt i.",
    ),
    Mistake(
        "probabilities",
        lambda m, prompts: _one_by_one(m, prompts, of=lambda logits: logits[:, -1].softmax(-1)),
        "these are probabilities; wanted logits.",
        "Leave the softmax out.",
    ),
)


def _parts(m, c, a, i, change=lambda parts, share, bias: {}):
    """The right parts, some replaced. change(parts, share, bias): share(vectors) -> logits, bias: b_U's."""
    right, wrong = a[:, 0], a[:, i]

    def share(vectors):
        return (_normal(m, c, vectors) * _direction(m, right, wrong)).sum(-1).mean(-1)

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
    direction = _direction(m, a[:, 0], a[:, i])

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
                "biases": b + (_all_b_O(m, a) * _direction(m, a[:, 0], a[:, i])).sum(-1).mean()
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
