"""The known wrong ways of chapter 3: likely words in four spellings, and their logit differences.

In the rows, t is a token's text, x logits, m the model, a answer tokens, i incorrect_idx.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications.capitals_types import capitalisation_type as right_type
from patchbook.tests.specifications.capitals_types import texts_of_tokens


def _spelled(m, word, lower=str.lower, keep=False):
    """The four spellings of a word; those of several tokens are None unless `keep`."""
    variants = (" " + word, " " + lower(word), word, lower(word))
    count = (len(m.tokenizer(v, add_special_tokens=False)["input_ids"]) for v in variants)
    return tuple(v if keep or n == 1 else None for v, n in zip(variants, count, strict=True))


def _answers(x, m, fits=lambda t: right_type(t) == "space+upper", rank=0, position=-1, spell=_spelled):
    """For each prompt the spellings of the likeliest token that fits."""
    texts = texts_of_tokens(m)
    chosen = torch.tensor([i for i, text in enumerate(texts) if fits(text)])
    rows = x[:, position, chosen].argsort(-1, descending=True)[:, rank]
    return [spell(m, texts[i].removeprefix(" ")) for i in chosen[rows].tolist()]


titleword_answer_generator = (
    Mistake(
        "any-token",
        lambda x, m: _answers(x, m, fits=lambda t: True),
        "it takes the likeliest token of all; wanted the likeliest word with a space and a capital.",
        "Look only at tokens whose type is space+upper.",
    ),
    Mistake(
        "no-space-capitals",
        lambda x, m: _answers(x, m, fits=lambda t: right_type(t) == "no-space+upper"),
        "it looks among the tokens with a capital and no space.",
        "Look only at tokens whose type is space+upper.",
    ),
    Mistake(
        "any-capital-token",
        lambda x, m: _answers(x, m, fits=lambda t: right_type(t).endswith("upper")),
        "tokens with a capital and no space are looked at too.",
        'The answer begins with a space: type "space+upper" only.',
    ),
    Mistake(
        "any-word",
        lambda x, m: _answers(x, m, fits=lambda t: right_type(t).startswith("space")),
        "words with a small letter and numbers are looked at too.",
        'The answer begins with a capital: type "space+upper" only.',
    ),
    Mistake(
        "second-best",
        lambda x, m: _answers(x, m, rank=1),
        "it takes the second-likeliest of the words with a capital.",
        "Ranks count from 0.",
    ),
    Mistake(
        "first-position",
        lambda x, m: _answers(x, m, position=0),
        "the logits are read at the first position.",
        "What comes after the prompt is predicted at the last position: logits[:, -1].",
    ),
    Mistake(
        "parts-of-tokens",
        lambda x, m: _answers(x, m, spell=lambda m, w: _spelled(m, w, keep=True)),
        "a spelling that is more than one token is returned as if it were one.",
        "Tokenise each of the four; where that gives more than one token, return None.",
    ),
    Mistake(
        "variants-out-of-order",
        lambda x, m: _answers(x, m, spell=lambda m, w: tuple(_spelled(m, w)[i] for i in (0, 2, 1, 3))),
        "the spellings stand in another order.",
        "The order is: with space, with space and small, no space, no space and small.",
    ),
    Mistake(
        "correct-answer-missing",
        lambda x, m: _answers(x, m, spell=lambda m, w: _spelled(m, w)[1:]),
        "only the three wrong spellings are returned.",
        "The right one, with its space and capital, comes first.",
    ),
    Mistake(
        "only-first-letter-small",
        lambda x, m: _answers(x, m, spell=lambda m, w: _spelled(m, w, lower=lambda v: v[:1].lower() + v[1:])),
        "only the first letter is made small.",
        'The small spelling of " THE" is " the": use .lower().',
    ),
    Mistake(
        "title-case",
        lambda x, m: _answers(x, m, fits=lambda t: right_type(t) == "space+upper" and t.strip().istitle()),
        'words in capitals, such as " THE", are passed over.',
        "Ask your capitalisation_type: the first letter decides.",
    ),
    Mistake(
        "single-letters-missed",
        lambda x, m: _answers(x, m, fits=lambda t: right_type(t) == "space+upper" and t[2:3].islower()),
        'a capital only counts when a small letter follows it: " I" is passed over.',
        "Ask your capitalisation_type: the first letter decides.",
    ),
    Mistake(
        "all-prompts-alike",
        lambda x, m: [_answers(x.mean(0, keepdim=True), m)[0]] * len(x),
        "every prompt gets the same word, that of the mean logits.",
        "Each prompt has its own row of logits.",
    ),
)


def _by_type(value):
    """value(logits, answers, incorrect_idx) for each prompt, averaged or not as the exercise asks."""

    def wrong(logits, answer_tokens, incorrect_idx, per_prompt=False):
        values = value(logits, answer_tokens, incorrect_idx)
        return values if per_prompt else values.mean()

    return wrong


def _column_difference(x, a, first, second, position=-1):
    at = x[:, position]
    return (at.gather(1, a[:, [first]]) - at.gather(1, a[:, [second]]))[:, 0]


logits_to_ave_logit_diff_by_type = (
    Mistake(
        "incorrect-idx-ignored",
        _by_type(lambda x, a, i: _column_difference(x, a, 0, 1)),
        "incorrect_idx plays no part: it always subtracts column 1, the small letter.",
        "Take the column that incorrect_idx names: answer_tokens[:, incorrect_idx].",
    ),
    Mistake(
        "last-column",
        _by_type(lambda x, a, i: _column_difference(x, a, 0, 3)),
        "incorrect_idx plays no part: it always subtracts the last column.",
        "Take the column that incorrect_idx names: answer_tokens[:, incorrect_idx].",
    ),
    Mistake(
        "incorrect-idx-off-by-one",
        _by_type(lambda x, a, i: _column_difference(x, a, 0, (i + 1) % 4)),
        "it subtracts the column after the one that incorrect_idx names.",
        "Column 0 is the right answer, so incorrect_idx 1 is column 1: add nothing.",
    ),
    Mistake(
        "incorrect-idx-from-0",
        _by_type(lambda x, a, i: _column_difference(x, a, 0, i - 1)),
        "it subtracts the column before the one that incorrect_idx names.",
        "incorrect_idx counts columns of answer_tokens, the right answer's included.",
    ),
    Mistake(
        "answers-swapped",
        _by_type(lambda x, a, i: _column_difference(x, a, i, 0)),
        "the answers are the other way round: it takes the right logit away from the wrong one.",
        "Column 0 is the right answer: right minus wrong.",
    ),
    Mistake(
        "added",
        _by_type(lambda x, a, i: x[:, -1].gather(1, a[:, [0, i]]).sum(1)),
        "the two logits are added.",
        "Subtract the logit of column incorrect_idx.",
    ),
    Mistake(
        "mean-of-all-wrong",
        _by_type(
            lambda x, a, i: (
                _column_difference(x, a, 0, 0)
                + x[:, -1].gather(1, a[:, :1])[:, 0]
                - x[:, -1].gather(1, a[:, 1:]).mean(1)
            )
        ),
        "it subtracts the mean of the three wrong answers.",
        "One type of wrong answer at a time: the column that incorrect_idx names.",
    ),
    Mistake(
        "first-position",
        _by_type(lambda x, a, i: _column_difference(x, a, 0, i, 0)),
        "the logits are read at the first position.",
        "The answer is predicted at the last position: logits[:, -1].",
    ),
    Mistake(
        "position-before-last",
        _by_type(lambda x, a, i: _column_difference(x, a, 0, i, -2)),
        "the logits are read one position before the last, before the full stop.",
        "The full stop's own position predicts what comes after it: logits[:, -1].",
    ),
    Mistake(
        "mean-over-positions",
        _by_type(lambda x, a, i: _column_difference(x.mean(1, keepdim=True), a, 0, i)),
        "the difference is averaged over all positions.",
        "Only the last position predicts the answer: logits[:, -1].",
    ),
    Mistake(
        "sum-not-mean",
        lambda x, a, i, per_prompt=False: (
            _column_difference(x, a, 0, i) if per_prompt else _column_difference(x, a, 0, i).sum()
        ),
        "the prompts' differences are added up; wanted their mean.",
        "Use .mean().",
    ),
    Mistake(
        "per-prompt-ignored",
        lambda x, a, i, per_prompt=False: _column_difference(x, a, 0, i).mean(),
        "it gives the mean even when per_prompt is True.",
        "With per_prompt, return one difference for each prompt.",
    ),
    Mistake(
        "never-averaged",
        lambda x, a, i, per_prompt=False: _column_difference(x, a, 0, i),
        "it gives one value for each prompt even when per_prompt is False.",
        "Without per_prompt, return the mean of the differences.",
    ),
    Mistake(
        "only-the-right-answer",
        _by_type(lambda x, a, i: x[:, -1].gather(1, a[:, :1])[:, 0]),
        "this is the logit of the right answer; the wrong one's is not taken away.",
        "Subtract the logit of column incorrect_idx.",
    ),
    Mistake(
        "probabilities",
        _by_type(lambda x, a, i: _column_difference(x.softmax(-1), a, 0, i)),
        "this is a difference of probabilities; wanted one of logits.",
        "Leave the softmax out.",
    ),
    Mistake(
        "every-answer-for-every-prompt",
        _by_type(lambda x, a, i: x[:, -1][:, a[:, 0]] - x[:, -1][:, a[:, i]]),
        "every prompt is asked for the answers of all prompts: the differences are (batch, batch).",
        "Prompt b goes with row b of answer_tokens: logits[:, -1].gather(-1, answer_tokens).",
    ),
    Mistake(
        "one-prompts-answers",
        _by_type(lambda x, a, i: _column_difference(x, a[:1].expand_as(a), 0, i)),
        "the first prompt's answers are used for all prompts.",
        "Row b of answer_tokens belongs to row b of logits.",
    ),
)
