"""The known wrong ways of chapter 3: the missing logits, and where they are.

In the rows, m, c, t, a, i are the exercises' arguments: model, cache, tokens, answer_tokens, incorrect_idx.
"""

import torch

from patchbook.checking import Mistake


def directions(m, right, wrong):
    return (m.W_U[:, right] - m.W_U[:, wrong]).T


def normalised(m, c, x, position=-1, layer="ln_final.hook_scale"):
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
    return (normalised(m, c, x, **where) * directions(m, *a.T)).sum(-1)


def _without_scale(m, c, a):
    return (c["resid_post", -1][:, -1] * directions(m, *a.T)).sum(-1)


def _with_mean_scale(m, c, a):
    if m.cfg.normalization_type is None:
        return _in_stream(m, c, a)
    x = c["resid_post", -1][:, -1]
    x = (x - x.mean(-1, keepdim=True)) / c["ln_final.hook_scale"][:, -1].mean()
    return (x * directions(m, *a.T)).sum(-1)


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
        'Divide by cache["ln_final.hook_scale"][:, -1], as cache.apply_ln_to_stack(..., pos_slice=-1) does.',
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
        lambda m, a: directions(m, *a.T).sum(-1),
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
