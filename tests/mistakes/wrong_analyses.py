"""The known wrong ways of chapter 3: three plausible analyses, before they are mended and after.

In the rows, m is the model. The first row of each exercise is the broken analysis that the chapter shows.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications.wrong_analyses import mend_stale_cache as right_rows


def _next_words(m, prompts, choose=lambda logits: logits[0, -1].argmax(), text=None):
    """choose(logits) -> the token, for each prompt; text(token) -> what is returned."""
    text = text or (lambda token: m.tokenizer.decode([token]))
    return tuple(text(int(choose(m(m.to_tokens(prompt))))) for prompt in prompts)


def _batch(m, prompts, side):
    """The likeliest token at the last position of a padded tensor, without a mask."""
    return tuple(
        m.tokenizer.decode([i]) for i in m(m.to_tokens(prompts, padding_side=side))[:, -1].argmax(-1)
    )


def _words(x):
    return x[0, -1]


mend_second_best = (
    Mistake(
        "second-best",
        lambda m, prompts: _next_words(m, prompts, lambda x: _words(x).argsort(descending=True)[1]),
        "it still takes the second-likeliest token for the likeliest.",
        "Ranks count from 0: the likeliest token is the first of a list sorted downwards.",
    ),
    Mistake(
        "least-likely",
        lambda m, prompts: _next_words(m, prompts, lambda x: _words(x).argsort()[0]),
        "it takes the least likely token.",
        "argsort sorts upwards unless you say descending=True. Or use argmax.",
    ),
    Mistake(
        "second-from-the-end",
        lambda m, prompts: _next_words(m, prompts, lambda x: _words(x).topk(3).indices[2]),
        "it takes the third-likeliest token.",
        "The likeliest token is the first of topk.",
    ),
    Mistake(
        "position-before-last",
        lambda m, prompts: _next_words(m, prompts, lambda x: x[0, -2].argmax()),
        "it reads the model one position before the end of the prompt.",
        "The last position predicts the next token: logits[:, -1].",
    ),
    Mistake(
        "first-position",
        lambda m, prompts: _next_words(m, prompts, lambda x: x[0, 0].argmax()),
        "it reads the model at BOS.",
        "The last position predicts the next token: logits[:, -1].",
    ),
    Mistake(
        "space-lost",
        lambda m, prompts: _next_words(m, prompts, text=lambda t: m.tokenizer.decode([t]).strip()),
        "the tokens have lost their space.",
        'Return each token as it is: " It" begins with a space.',
    ),
    Mistake(
        "ids",
        lambda m, prompts: _next_words(m, prompts, text=lambda t: t),
        "it returns token ids; wanted their text.",
        "model.to_single_str_token turns an id into text.",
    ),
    Mistake(
        "bos-missing",
        lambda m, prompts: tuple(
            m.tokenizer.decode([m(m.to_tokens(p, prepend_bos=False))[0, -1].argmax().item()]) for p in prompts
        ),
        "BOS is missing before the prompts.",
        "Leave prepend_bos as the model has it.",
    ),
    Mistake(
        "padding-read",
        lambda m, prompts: _batch(m, prompts, "right"),
        "short prompts are padded on the right and read at the padding.",
        "Use your left_padded_final_logits.",
    ),
    Mistake(
        "no-mask",
        lambda m, prompts: _batch(m, prompts, "left"),
        "short prompts are padded on the left and run without a mask.",
        "Use your left_padded_final_logits.",
    ),
    Mistake(
        "first-prompt-only",
        lambda m, prompts: _next_words(m, prompts[:1]) * len(prompts),
        "every prompt gets the first prompt's word.",
        "Read row i of the logits for prompt i.",
    ),
)


def _ids(m, answers):
    """(batch, 2)."""
    return torch.tensor([[m.to_single_token(word) for word in pair] for pair in answers])


def _logits(m, texts):
    return torch.cat([m(m.to_tokens(text))[:, -1] for text in texts])


def _difference(logits, ids):
    right, wrong = logits.gather(1, ids).T
    return right - wrong


def _after(m, prompts, answers, texts, sign=1.0):
    return sign * _difference(_logits(m, texts), _ids(m, answers))


mend_model_on_answers = (
    Mistake(
        "model-on-answers",
        lambda m, p, a: _after(m, p, a, [pair[0] for pair in a]),
        "the model still runs on the answers: it says what comes after the answer.",
        "Run it on the prompts. The answers are only columns of the logits.",
    ),
    Mistake(
        "model-on-wrong-answers",
        lambda m, p, a: _after(m, p, a, [pair[1] for pair in a]),
        "the model runs on the wrong answers.",
        "Run it on the prompts. The answers are only columns of the logits.",
    ),
    Mistake(
        "prompt-and-answer",
        lambda m, p, a: _after(m, p, a, [text + pair[0] for text, pair in zip(p, a, strict=True)]),
        "the answer is put behind the prompt, so the model says what comes after the answer.",
        "Run the model on the prompt alone: it ends just before the answer.",
    ),
    Mistake(
        "answers-swapped",
        lambda m, p, a: _after(m, p, a, p, sign=-1.0),
        "the answers are the other way round.",
        "The first of each pair is right: right minus wrong.",
    ),
    Mistake(
        "one-prompts-answers",
        lambda m, p, a: _after(m, p, [a[0]] * len(a), p),
        "the first prompt's answers are used for all prompts.",
        "Pair i of answers belongs to prompt i.",
    ),
    Mistake(
        "padding-read",
        lambda m, p, a: _difference(m(m.to_tokens(p, padding_side="right"))[:, -1], _ids(m, a)),
        "prompts of several lengths are padded on the right and read at the padding.",
        "Use your left_padded_final_logits.",
    ),
    Mistake(
        "no-mask",
        lambda m, p, a: _difference(m(m.to_tokens(p, padding_side="left"))[:, -1], _ids(m, a)),
        "prompts of several lengths are padded on the left and run without a mask.",
        "Use your left_padded_final_logits.",
    ),
    Mistake(
        "probabilities",
        lambda m, p, a: _difference(_logits(m, p).softmax(-1), _ids(m, a)),
        "this is a difference of probabilities; wanted one of logits.",
        "Leave the softmax out.",
    ),
    Mistake(
        "only-the-right-answer",
        lambda m, p, a: _logits(m, p).gather(1, _ids(m, a))[:, 0],
        "this is the logit of the right answer; the wrong one's is not taken away.",
        "Subtract the logit of the second of each pair.",
    ),
    Mistake(
        "averaged",
        lambda m, p, a: _after(m, p, a, p).mean(),
        "the prompts are averaged; wanted one value for each prompt.",
        "Leave the batch axis.",
    ),
    Mistake(
        "position-before-last",
        lambda m, p, a: _difference(torch.cat([m(m.to_tokens(t))[:, -2] for t in p]), _ids(m, a)),
        "the logits are read one position before the last, before the full stop.",
        "The full stop's own position predicts what comes after it.",
    ),
)


def _stack(m, c, kind="attn_out", position=-1, scale=None):
    """What each layer writes, centred and scaled: (layer, batch, d_model). scale: another cache's."""
    rows = torch.stack([c[kind, layer][:, position] for layer in range(m.cfg.n_layers)])
    used = c if scale is None else scale
    return (rows - rows.mean(-1, keepdim=True)) / used["ln_final.hook_scale"][:, position]


def _each_set(rows):
    """rows(model, caches, number of the set, direction) -> (layer,), for each set."""

    def wrong(m, prompt_sets, a):
        caches = [m.run_with_cache(tokens)[1] for tokens in prompt_sets]
        direction = (m.W_U[:, a[:, 0]] - m.W_U[:, a[:, 1]]).T
        return torch.stack([rows(m, caches, number, direction) for number in range(len(caches))])

    return wrong


def _along(stack, direction):
    return (stack * direction).sum(-1).mean(-1)


mend_stale_cache = (
    Mistake(
        "stale-cache",
        _each_set(lambda m, c, n, d: _along(_stack(m, c[0]), d)),
        "every row still comes from the first set's cache.",
        "Run the model inside the loop, on the set that the row belongs to.",
    ),
    Mistake(
        "last-cache",
        _each_set(lambda m, c, n, d: _along(_stack(m, c[-1]), d)),
        "every row comes from the last set's cache.",
        "Use each set's cache before the next run replaces it.",
    ),
    Mistake(
        "cache-before",
        _each_set(lambda m, c, n, d: _along(_stack(m, c[max(n - 1, 0)]), d)),
        "each row comes from the cache of the set before.",
        "Run the model first, then read its cache.",
    ),
    Mistake(
        "stale-scale",
        _each_set(lambda m, c, n, d: _along(_stack(m, c[n], scale=c[0]), d)),
        "the scale is the first set's; the rest is fresh.",
        "The scale belongs to the run too: take it from the same cache.",
    ),
    Mistake(
        "no-scale",
        _each_set(
            lambda m, c, n, d: _along(_stack(m, c[n]) * c[n]["ln_final.hook_scale"][:, -1], d)
        ),
        "nothing is divided by the final LayerNorm's scale.",
        "Send the layers' outputs through cache.apply_ln_to_stack(..., layer=-1, pos_slice=-1).",
    ),
    Mistake(
        "wrong-sign",
        lambda m, sets, a: -right_rows(m, sets, a),
        "every value has the wrong sign.",
        "The direction is W_U[:, right] - W_U[:, wrong].",
    ),
    Mistake(
        "transposed",
        lambda m, sets, a: right_rows(m, sets, a).T,
        "sets and layers are swapped.",
        "Rows are the sets, columns the layers.",
    ),
    Mistake(
        "one-row",
        lambda m, sets, a: right_rows(m, sets[:1], a).expand(len(sets), -1) * 1.0
        if len(sets) < 2
        else right_rows(m, sets, a).mean(0),
        "the sets are averaged into one row.",
        "One row for each set.",
    ),
    Mistake(
        "whole-blocks",
        _each_set(
            lambda m, c, n, d: _along(_stack(m, c[n]) + _stack(m, c[n], "mlp_out"), d)
        ),
        "what the MLPs write is added to the attention layers.",
        'cache["attn_out", layer] alone.',
    ),
    Mistake(
        "first-position",
        _each_set(lambda m, c, n, d: _along(_stack(m, c[n], position=0), d)),
        "the layers are read at the first position.",
        "The answer is predicted at the last position.",
    ),
    Mistake(
        "sum-not-mean",
        lambda m, sets, a: right_rows(m, sets, a) * len(a),
        "the prompts are added up; wanted their mean.",
        "Use .mean over the batch axis.",
    ),
)  # fmt: skip
