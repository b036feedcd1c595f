"""The known wrong ways of chapter 2: logit differences and the metric made of them.

In the rows, x are logits and a answer tokens.
"""

import torch

from patchbook.checking import Mistake


def _difference(logits, answers):
    """Right less wrong along the last axis: (batch, d_vocab) -> (batch,)."""
    right, wrong = logits.gather(-1, answers).T
    return right - wrong


def _each(per_prompt_values):
    """per_prompt_values(logits, answers), averaged or not as the exercise asks."""

    def wrong(logits, answer_tokens, per_prompt=False):
        values = per_prompt_values(logits, answer_tokens)
        return values if per_prompt else values.mean()

    return wrong


def _all_pairs(logits, answers):
    last = logits[:, -1]
    return last[:, answers[:, 0]] - last[:, answers[:, 1]]


def _mean_over_positions(logits, answers):
    return torch.stack([_difference(logits[:, pos], answers) for pos in range(logits.shape[1])]).mean(0)


logits_to_ave_logit_diff = (
    Mistake(
        "answers-swapped",
        _each(lambda x, a: _difference(x[:, -1], a.flip(-1))),
        "the answers are the other way round: it takes the right logit away from the wrong one.",
        "Column 0 of answer_tokens is the right answer, column 1 the wrong one: right minus wrong.",
    ),
    Mistake(
        "first-position",
        _each(lambda x, a: _difference(x[:, 0], a)),
        "the logits are read at the first position.",
        "The answer is predicted at the last position: logits[:, -1].",
    ),
    Mistake(
        "position-before-last",
        _each(lambda x, a: _difference(x[:, -2], a)),
        "the logits are read one position before the last.",
        "The last position predicts the token after the prompt: logits[:, -1].",
    ),
    Mistake(
        "mean-over-positions",
        _each(_mean_over_positions),
        "the difference is averaged over all positions.",
        "Only the last position predicts the answer: logits[:, -1].",
    ),
    Mistake(
        "sum-not-mean",
        lambda x, a, per_prompt=False: (
            _difference(x[:, -1], a) if per_prompt else _difference(x[:, -1], a).sum()
        ),
        "the prompts' differences are added up; wanted their mean.",
        "Use .mean().",
    ),
    Mistake(
        "per-prompt-ignored",
        lambda x, a, per_prompt=False: _difference(x[:, -1], a).mean(),
        "it gives the mean even when per_prompt is True.",
        "With per_prompt, return the differences before the mean: one for each prompt.",
    ),
    Mistake(
        "never-averaged",
        lambda x, a, per_prompt=False: _difference(x[:, -1], a),
        "it gives one value for each prompt even when per_prompt is False.",
        "Without per_prompt, return the mean of the differences.",
    ),
    Mistake(
        "per-prompt-inverted",
        lambda x, a, per_prompt=False: (
            _difference(x[:, -1], a).mean() if per_prompt else _difference(x[:, -1], a)
        ),
        "per_prompt works the wrong way round: the mean comes when it is True.",
        "Return the mean when per_prompt is False.",
    ),
    Mistake(
        "all-pairs",
        _each(_all_pairs),
        "every prompt's logits are paired with every prompt's answers.",
        "logits[:, -1][:, answers] picks all columns for all rows. Use .gather(-1, answer_tokens).",
    ),
    Mistake(
        "one-prompts-answers",
        _each(lambda x, a: _difference(x[:, -1], a[:1].expand_as(a))),
        "the first prompt's answers are used for all prompts.",
        "Each row of answer_tokens belongs to the same row of logits.",
    ),
    Mistake(
        "probabilities",
        _each(lambda x, a: _difference(x[:, -1].softmax(-1), a)),
        "this is a difference of probabilities; wanted one of logits.",
        "Leave the softmax out. (With log_softmax the difference would be the same as with logits.)",
    ),
    Mistake(
        "only-the-right-answer",
        _each(lambda x, a: x[:, -1].gather(-1, a)[:, 0]),
        "this is the logit of the right answer; the wrong one's is not taken away.",
        "Subtract the logit of column 1.",
    ),
    Mistake(
        "absolute",
        _each(lambda x, a: _difference(x[:, -1], a).abs()),
        "the differences have lost their sign.",
        "A negative difference says that the model prefers the wrong answer: leave .abs() out.",
    ),
)


def _centred(stack):
    return stack - stack.mean(-1, keepdim=True)


def _scaled(stack, cache, position=-1):
    return _centred(stack) / cache["ln_final.hook_scale"][:, position]


def _along(stack, directions):
    """Dot products, averaged over the batch."""
    return (stack * directions).sum(-1).mean(-1)


residual_stack_to_logit_diff = (
    Mistake(
        "no-scale",
        lambda stack, cache, d: _along(_centred(stack), d),
        "the components are not divided by the final LayerNorm's scale.",
        'Divide the stack by cache["ln_final.hook_scale"][:, -1], of shape (batch, 1).',
    ),
    Mistake(
        "scale-of-the-first-position",
        lambda stack, cache, d: _along(_scaled(stack, cache, 0), d),
        "the scale is the first position's; each position has its own.",
        'The stack is what was written at the last position: cache["ln_final.hook_scale"][:, -1].',
    ),
    Mistake(
        "scale-of-layer-0",
        lambda stack, cache, d: _along(_centred(stack) / cache["blocks.0.ln1.hook_scale"][:, -1], d),
        "the scale is the one before layer 0; wanted the final LayerNorm's.",
        'The unembedding comes after the last layer: take cache["ln_final.hook_scale"][:, -1].',
    ),
    Mistake(
        "mean-scale",
        lambda stack, cache, d: _along(_centred(stack) / cache["ln_final.hook_scale"][:, -1].mean(), d),
        "all prompts are divided by one scale; each prompt has its own.",
        'Keep the batch axis of cache["ln_final.hook_scale"][:, -1].',
    ),
    Mistake(
        "multiplied-by-scale",
        lambda stack, cache, d: _along(_centred(stack) * cache["ln_final.hook_scale"][:, -1], d),
        "the components are multiplied by the scale.",
        "LayerNorm divides by its scale.",
    ),
    Mistake(
        "normalised-alone",
        lambda stack, cache, d: _along(torch.nn.functional.layer_norm(stack, stack.shape[-1:]), d),
        "each component is normalised by itself, so that large and small ones count alike.",
        "Divide them all by one scale, that of the whole residual stream: it is in the cache.",
    ),
    Mistake(
        "mean-direction",
        lambda stack, cache, d: _along(_scaled(stack, cache), d.mean(0)),
        "every prompt is read along the mean direction, as if all had the same answers.",
        "Multiply each prompt's vector by its own row of logit_diff_directions; then take the mean.",
    ),
    Mistake(
        "one-prompts-direction",
        lambda stack, cache, d: _along(_scaled(stack, cache), d[0]),
        "every prompt is read along the first prompt's direction.",
        "Row i of logit_diff_directions belongs to prompt i.",
    ),
    Mistake(
        "summed-over-batch",
        lambda stack, cache, d: (_scaled(stack, cache) * d).sum(-1).sum(-1),
        "the prompts are added up; wanted their mean.",
        "Divide by the number of prompts, or use .mean over the batch axis.",
    ),
    Mistake(
        "first-prompt-only",
        lambda stack, cache, d: (_scaled(stack, cache) * d).sum(-1)[..., 0],
        "only the first prompt counts.",
        "Take the mean over the batch axis.",
    ),
    Mistake(
        "not-averaged",
        lambda stack, cache, d: (_scaled(stack, cache) * d).sum(-1),
        "the batch axis is still there: one value for each prompt.",
        "Take the mean over the batch axis.",
    ),
    Mistake(
        "averaged-over-all",
        lambda stack, cache, d: (_scaled(stack, cache) * d).sum(-1).mean(),
        "the mean runs over the components too.",
        "Take the mean over the batch axis alone: each component keeps its own value.",
    ),
    Mistake(
        "wrong-sign",
        lambda stack, cache, d: -_along(_scaled(stack, cache), d),
        "every value has the wrong sign.",
        "logit_diff_directions already points from the wrong answer to the right one.",
    ),
    Mistake(
        "mean-over-d-model",
        lambda stack, cache, d: (_scaled(stack, cache) * d).mean((-1, -2)),
        "the products are averaged over d_model; a dot product adds them up.",
        "Sum over d_model, then take the mean over the batch.",
    ),
)


def _normalised(formula, difference=lambda x, a: _difference(x[:, -1], a).mean()):
    """formula(logit difference, corrupted, clean)."""

    def wrong(logits, answer_tokens, corrupted_logit_diff, clean_logit_diff):
        return formula(difference(logits, answer_tokens), corrupted_logit_diff, clean_logit_diff)

    return wrong


def _share(x, corrupted, clean):
    return (x - corrupted) / (clean - corrupted)


ioi_metric = (
    Mistake(
        "reversed",
        _normalised(lambda x, corrupted, clean: (clean - x) / (clean - corrupted)),
        "the scale is reversed: it gives 1 for the corrupted run and 0 for the clean one.",
        "Measure the distance from the corrupted run: (x - corrupted) above the line. Also compare the "
        "order of your arguments with the stub's.",
    ),
    Mistake(
        "inverted",
        _normalised(lambda x, corrupted, clean: (clean - corrupted) / (x - corrupted)),
        "numerator and denominator have changed places.",
        "The whole way, clean - corrupted, goes below the line.",
    ),
    Mistake(
        "no-baseline",
        _normalised(lambda x, corrupted, clean: x / (clean - corrupted)),
        "the corrupted run's logit difference is not taken away above the line.",
        "The corrupted run must get 0: subtract corrupted_logit_diff first.",
    ),
    Mistake(
        "divided-by-clean",
        _normalised(lambda x, corrupted, clean: (x - corrupted) / clean),
        "it divides by the clean run's logit difference alone.",
        "The clean run must get 1: divide by clean - corrupted.",
    ),
    Mistake(
        "share-of-clean",
        _normalised(lambda x, corrupted, clean: x / clean),
        "this is a share of the clean logit difference; the corrupted one plays no part.",
        "Subtract the corrupted one above and below the line.",
    ),
    Mistake(
        "not-divided",
        _normalised(lambda x, corrupted, clean: x - corrupted),
        "this is the distance from the corrupted run, in logits; it is not divided by the whole way.",
        "Divide by clean_logit_diff - corrupted_logit_diff.",
    ),
    Mistake(
        "not-normalised",
        _normalised(lambda x, corrupted, clean: x),
        "this is the logit difference itself.",
        "Subtract the corrupted one, and divide by the way from corrupted to clean.",
    ),
    Mistake(
        "zero-is-clean",
        _normalised(lambda x, corrupted, clean: (x - clean) / (clean - corrupted)),
        "it gives 0 for the clean run and -1 for the corrupted one.",
        "Subtract corrupted_logit_diff above the line, not clean_logit_diff.",
    ),
    Mistake(
        "denominator-sign",
        _normalised(lambda x, corrupted, clean: (x - corrupted) / (corrupted - clean)),
        "the denominator has the wrong sign: the clean run gets -1.",
        "Divide by clean - corrupted.",
    ),
    Mistake(
        "absolute-denominator",
        _normalised(lambda x, corrupted, clean: (x - corrupted) / abs(clean - corrupted)),
        "the denominator has lost its sign.",
        "Leave abs out: the clean run must get 1 even where its logit difference is the smaller one.",
    ),
    Mistake(
        "added-in-denominator",
        _normalised(lambda x, corrupted, clean: (x - corrupted) / (clean + corrupted)),
        "the denominator adds the two logit differences.",
        "Divide by clean - corrupted: the clean run must get 1.",
    ),
    Mistake(
        "clamped",
        _normalised(lambda x, corrupted, clean: _share(x, corrupted, clean).clamp(0, 1)),
        "values below 0 and above 1 are cut off.",
        "A patch may do worse than the corrupted run or better than the clean one: leave the clamp out.",
    ),
    Mistake(
        "answers-swapped",
        _normalised(lambda x, corrupted, clean: _share(-x, corrupted, clean)),
        "the answers are the other way round: it takes the right logit away from the wrong one.",
        "Use your logits_to_ave_logit_diff: column 0 is the right answer.",
    ),
    Mistake(
        "first-position",
        _normalised(_share, lambda x, a: _difference(x[:, 0], a).mean()),
        "the logits are read at the first position.",
        "Use your logits_to_ave_logit_diff: it reads the last one.",
    ),
    Mistake(
        "mean-over-positions",
        _normalised(_share, lambda x, a: _mean_over_positions(x, a).mean()),
        "the logit difference is averaged over all positions.",
        "Use your logits_to_ave_logit_diff: it reads the last one.",
    ),
    Mistake(
        "sum-not-mean",
        _normalised(_share, lambda x, a: _difference(x[:, -1], a).sum()),
        "the prompts' logit differences are added up; wanted their mean.",
        "Use your logits_to_ave_logit_diff with per_prompt=False.",
    ),
    Mistake(
        "per-prompt",
        _normalised(_share, lambda x, a: _difference(x[:, -1], a)),
        "it gives one value for each prompt; a metric is one number.",
        "Use your logits_to_ave_logit_diff with per_prompt=False.",
    ),
)
