"""The known wrong ways of chapter 3: logits after prompts of different lengths.

In the rows, m, c, t, a, i are the exercises' arguments: model, cache, tokens, answer_tokens, incorrect_idx.
"""

import torch

from patchbook.checking import Mistake


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
        "all-positions",
        lambda m, prompts: m(prompts, padding_side="left"),
        "it gives the logits at every position; wanted those after each prompt.",
        "Padded on the left, all prompts end at the last position: [:, -1].",
    ),
    Mistake(
        "each-prompt-once",
        lambda m, prompts: _one_by_one(m, list(dict.fromkeys(prompts))),
        "a prompt that stands in the list twice gets one row only.",
        "Row i of the result belongs to prompt i, whatever the prompts before it are.",
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
