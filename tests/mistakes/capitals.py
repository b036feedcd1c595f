"""The known wrong ways of chapter 3: types of tokens, answers by type, corrupted prompts.

In the rows, t is a token's text, x logits, m the model, a answer tokens, i incorrect_idx.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications.capitals import TYPES, texts_of_tokens
from patchbook.tests.specifications.capitals import capitalisation_type as right_type


def _typed(text, first, *, rest=""):
    """The type by the space before `text` and a string that is tested whole; `rest` where nothing fits."""
    space = "space" if text.startswith(" ") else "no-space"
    kinds = (("upper", first.isupper()), ("lower", first.islower()), ("numeral", first.isnumeric()))
    return next((f"{space}+{kind}" for kind, fits in kinds if fits), rest or "other")


def _first(text):
    return text.removeprefix(" ")[:1]


def _upper_needs_small(t):
    found = _typed(t, _first(t))
    second = t.removeprefix(" ")[1:2]
    return found if not found.endswith("upper") or second.islower() else "other"


def _ascii(t):
    return _typed(t, _first(t)) if _first(t).isascii() else "other"


def _lower_if_nothing_else(t):
    space = "space" if t.startswith(" ") else "no-space"
    return _typed(t, _first(t), rest=f"{space}+lower")


def _space_and_kind_swapped(t):
    other = {"space": "no-space", "no-space": "space"}
    found = right_type(t)
    return found if found == "other" else f"{other[found.split('+')[0]]}+{found.split('+')[1]}"


capitalisation_type = (
    Mistake(
        "leading-space-forgotten",
        lambda t: _typed(t, t[:1]),
        "a token that begins with a space is judged by the space.",
        "Most tokens begin with a space: look at the character after it.",
    ),
    Mistake(
        "space-ignored",
        lambda t: _typed(_first(t), _first(t)),
        "the space at the start plays no part: every type is a no-space type.",
        'A token such as " The" is "space+upper", "The" is "no-space+upper".',
    ),
    Mistake(
        "always-space",
        lambda t: _typed(" ", _first(t)),
        "every type is a space type, with a space at the start or without.",
        'A token such as "The" is "no-space+upper".',
    ),
    Mistake(
        "space-reversed",
        _space_and_kind_swapped,
        "space and no-space have changed places.",
        '" The" begins with a space: "space+upper".',
    ),
    Mistake(
        "upper-needs-a-small-letter",
        _upper_needs_small,
        'a capital only counts when a small letter follows it: " I" and " USA" are missed.',
        "The first letter decides, whatever comes after it.",
    ),
    Mistake(
        "title-case",
        lambda t: (
            f"{'space' if t.startswith(' ') else 'no-space'}+upper"
            if t.strip().istitle() and _first(t).isalpha()
            else _typed(t, _first(t))
            if not _first(t).isupper()
            else "other"
        ),
        "it asks whether the word is in title case: words with more than one capital are missed.",
        "The first letter alone decides. (Mind also .title(): it changes words such as 'McDonald'.)",
    ),
    Mistake(
        "whole-token",
        lambda t: _typed(t, t.removeprefix(" ")),
        'the whole token is tested: " The" is not upper, because not all its letters are capitals.',
        "Test one character, the first after the space.",
    ),
    Mistake(
        "not-upper-is-lower",
        lambda t: (
            _typed(t, _first(t))
            if _first(t).isupper() or _first(t).isnumeric()
            else f"{'space' if t.startswith(' ') else 'no-space'}+lower"
        ),
        "everything that is neither capital nor numeral is counted as lower, new lines and brackets too.",
        "Ask .islower() as well. What is none of the three is other.",
    ),
    Mistake(
        "newline-is-lower",
        lambda t: "no-space+lower" if t[:1] == "\n" else right_type(t),
        "a new line is counted as lower.",
        'A new line is "other": it is no letter.',
    ),
    Mistake(
        "all-whitespace-stripped",
        lambda t: _typed(" " if t[:1].isspace() else "", t.lstrip()[:1]),
        "all white space at the start is taken off: two spaces, and new lines.",
        "Take off one space at most: what stands after it decides.",
    ),
    Mistake(
        "spaces-stripped",
        lambda t: _typed(t, t.lstrip(" ")[:1]),
        "all spaces at the start are taken off.",
        'Take off one space at most. "  a" (two spaces) is "other".',
    ),
    Mistake(
        "numerals-are-other",
        lambda t: "other" if right_type(t).endswith("numeral") else right_type(t),
        "numerals are not recognised.",
        "A first character that is a digit makes the token a numeral: .isnumeric().",
    ),
    Mistake(
        "ascii-only",
        _ascii,
        "letters beyond A to Z are not recognised.",
        "The string methods .isupper() and .islower() know all letters.",
    ),
    Mistake(
        "last-character",
        lambda t: _typed(t, t[-1:]),
        "the last character is tested.",
        "The first character after the space decides.",
    ),
    Mistake(
        "any-capital",
        lambda t: (
            f"{'space' if t.startswith(' ') else 'no-space'}+upper"
            if any(c.isupper() for c in t.removeprefix(" "))
            else right_type(t)
        ),
        "a capital anywhere in the token makes it upper.",
        "The first character alone decides.",
    ),
)


def _sums(m, weights, types=TYPES, kind=right_type):
    """weights: (d_vocab,) -> the sum of each type."""
    sums = dict.fromkeys(types, 0.0)
    for text, weight in zip(texts_of_tokens(m), weights.tolist(), strict=True):
        found = kind(text)
        sums[found] = sums.get(found, 0.0) + weight
    return sums


def _probabilities(x):
    return x[:, -1].softmax(-1).mean(0)


def _without_other(sums):
    rest = sum(value for kind, value in sums.items() if kind != "other")
    return {kind: value / rest if kind != "other" else 0.0 for kind, value in sums.items()}


def _one_hot(x):
    winners = x[:, -1].argmax(-1)
    return torch.zeros(x.shape[-1]).index_add(0, winners, torch.ones(len(winners))) / len(winners)


def _counts(x):
    return torch.ones(x.shape[-1])


cumul_probs_by_capitalisation_type = (
    Mistake(
        "not-averaged",
        lambda x, m: _sums(m, x[:, -1].softmax(-1).sum(0)),
        "the prompts are added up: the values sum to the number of prompts, not to 1.",
        "Take the mean of the prompts' probabilities.",
    ),
    Mistake(
        "logits-added",
        lambda x, m: _sums(m, x[:, -1].mean(0)),
        "logits are added up; wanted probabilities.",
        "Take the softmax over the vocabulary first. The seven values sum to 1.",
    ),
    Mistake(
        "log-probabilities",
        lambda x, m: _sums(m, x[:, -1].log_softmax(-1).mean(0)),
        "log-probabilities are added up; wanted probabilities.",
        "softmax, not log_softmax: probabilities of different tokens add up, their logs do not.",
    ),
    Mistake(
        "mean-logits",
        lambda x, m: _sums(m, x[:, -1].mean(0).softmax(-1)),
        "the prompts' logits are averaged before the softmax.",
        "Softmax first, for each prompt; then the mean of the probabilities.",
    ),
    Mistake(
        "all-positions",
        lambda x, m: _sums(m, x.softmax(-1).mean((0, 1))),
        "the probabilities are averaged over all positions.",
        "Only the last position predicts what comes after the prompt: logits[:, -1].",
    ),
    Mistake(
        "first-position",
        lambda x, m: _sums(m, x[:, 0].softmax(-1).mean(0)),
        "the probabilities are read at the first position.",
        "What comes after the prompt is predicted at the last position: logits[:, -1].",
    ),
    Mistake(
        "position-before-last",
        lambda x, m: _sums(m, x[:, -2].softmax(-1).mean(0)),
        "the probabilities are read one position before the last.",
        "The last position predicts the token after the prompt: logits[:, -1].",
    ),
    Mistake(
        "softmax-over-prompts",
        lambda x, m: _sums(m, x[:, -1].softmax(0).mean(0)),
        "the softmax runs over the prompts.",
        "Take it along the vocabulary, the last axis.",
    ),
    Mistake(
        "first-prompt-only",
        lambda x, m: _sums(m, x[0, -1].softmax(-1)),
        "only the first prompt counts.",
        "Take the mean of all prompts' probabilities.",
    ),
    Mistake(
        "types-left-out",
        lambda x, m: {k: v for k, v in _sums(m, _probabilities(x)).items() if k != "other"},
        '"other" is missing, so the values do not sum to 1.',
        "Give every one of the seven types its key, even where its value is 0.",
    ),
    Mistake(
        "other-shared-out",
        lambda x, m: _without_other(_sums(m, _probabilities(x))),
        'the probability of "other" is shared out among the other types.',
        "Divide by nothing: the seven values sum to 1 already.",
    ),
    Mistake(
        "only-the-winner",
        lambda x, m: _sums(m, _one_hot(x)),
        "only the likeliest token of each prompt is counted.",
        "Every token counts, with its probability.",
    ),
    Mistake(
        "tokens-counted",
        lambda x, m: _sums(m, _counts(x)),
        "it counts how many tokens the vocabulary has of each type.",
        "Add up the tokens' probabilities.",
    ),
    Mistake(
        "leading-space-forgotten",
        lambda x, m: _sums(m, _probabilities(x), kind=lambda t: _typed(t, t[:1])),
        "tokens that begin with a space are counted as other.",
        "Use your capitalisation_type, and give it the token's text as it is, space included.",
    ),
    Mistake(
        "text-stripped",
        lambda x, m: _sums(m, _probabilities(x), kind=lambda t: right_type(t.strip())),
        "the tokens have lost their space before they are typed.",
        "Give capitalisation_type the token's text as it is: no strip.",
    ),
    Mistake(
        "newline-is-lower",
        lambda x, m: _sums(m, _probabilities(x), kind=_lower_if_nothing_else),
        "new lines, punctuation and all that is no letter are counted as lower.",
        'What is neither capital, small letter nor numeral is "other".',
    ),
)


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
        "one-prompts-answers",
        _by_type(lambda x, a, i: _column_difference(x, a[:1].expand_as(a), 0, i)),
        "the first prompt's answers are used for all prompts.",
        "Row b of answer_tokens belongs to row b of logits.",
    ),
)


def _each(change):
    return lambda prompts: tuple(change(prompt) for prompt in prompts)


def _sentences(prompt):
    return ". ".join(part[:1].lower() + part[1:] for part in prompt.split(". "))


corrupt_capitalisation = (
    Mistake(
        "everything-small",
        _each(str.lower),
        "every letter is made small: names, the pronoun I, and all later sentences too.",
        "Change the first letter alone. A corruption that breaks several things shows nothing about one.",
    ),
    Mistake(
        "every-sentence",
        _each(_sentences),
        "the first letter of every sentence is made small.",
        "Only the first letter of the whole prompt changes.",
    ),
    Mistake(
        "every-word",
        _each(lambda p: " ".join(word[:1].lower() + word[1:] for word in p.split(" "))),
        "the first letter of every word is made small.",
        "Only the first letter of the whole prompt changes.",
    ),
    Mistake(
        "first-word",
        _each(lambda p: " ".join([p.split(" ")[0].lower(), *p.split(" ")[1:]])),
        "the whole first word is made small.",
        'Only its first letter changes: "HELLO" becomes "hELLO".',
    ),
    Mistake(
        "first-letter-lost",
        _each(lambda p: p[1:]),
        "the first letter is gone.",
        "Put the small letter in its place.",
    ),
    Mistake(
        "case-swapped",
        _each(lambda p: p[:1].swapcase() + p[1:]),
        "a first letter that is small already becomes a capital.",
        "Use .lower(), not .swapcase().",
    ),
    Mistake(
        "capitals-made",
        _each(lambda p: p[:1].upper() + p[1:]),
        "the first letter is made a capital.",
        "The corruption takes the capital away.",
    ),
    Mistake(
        "unchanged",
        tuple,
        "the prompts come back as they were.",
        "Strings cannot be edited in place: build a new one from the small letter and the rest.",
    ),
    Mistake(
        "space-before",
        _each(lambda p: " " + p[:1].lower() + p[1:]),
        "a space stands before each prompt: that is another first token.",
        "Change the letter, add nothing.",
    ),
    Mistake(
        "full-stop-lost",
        _each(lambda p: (p[:1].lower() + p[1:]).rstrip(".")),
        "the full stop at the end is gone.",
        "Leave the rest of the prompt alone: the model is asked what comes after the full stop.",
    ),
    Mistake(
        "first-prompt-only",
        lambda prompts: tuple(p[:1].lower() + p[1:] if i == 0 else p for i, p in enumerate(prompts)),
        "only the first prompt is changed.",
        "Change every prompt of the list.",
    ),
)


normalize_patched_logit_diff = (
    Mistake(
        "reversed",
        lambda x, clean, corrupted: (clean - x) / (clean - corrupted),
        "the scale is reversed: 0 is the clean run, 1 the corrupted one.",
        "Measure the distance from the corrupted run: patched - corrupted above the line. Also compare the "
        "order of your arguments with the stub's: clean comes before corrupted.",
    ),
    Mistake(
        "inverted",
        lambda x, clean, corrupted: (clean - corrupted) / (x - corrupted),
        "numerator and denominator have changed places.",
        "The whole way, clean - corrupted, goes below the line.",
    ),
    Mistake(
        "no-baseline",
        lambda x, clean, corrupted: x / (clean - corrupted),
        "the corrupted run's logit difference is not taken away above the line.",
        "The corrupted run must get 0: subtract corrupted_logit_diff first.",
    ),
    Mistake(
        "clean-reversal-assumed",
        lambda x, clean, corrupted: (x + clean) / (2 * clean),
        "it takes the corrupted run for the exact opposite of the clean one, as swapped names are in IOI.",
        "Use corrupted_logit_diff as it was measured: here it is not minus clean_logit_diff.",
    ),
    Mistake(
        "divided-by-clean",
        lambda x, clean, corrupted: (x - corrupted) / clean,
        "it divides by the clean run's logit difference alone.",
        "The clean run must get 1: divide by clean - corrupted.",
    ),
    Mistake(
        "share-of-clean",
        lambda x, clean, corrupted: x / clean,
        "this is a share of the clean logit difference; the corrupted one plays no part.",
        "Subtract the corrupted one above and below the line.",
    ),
    Mistake(
        "not-divided",
        lambda x, clean, corrupted: x - corrupted,
        "this is the distance from the corrupted run, in logits; it is not divided by the whole way.",
        "Divide by clean_logit_diff - corrupted_logit_diff.",
    ),
    Mistake(
        "zero-is-clean",
        lambda x, clean, corrupted: (x - clean) / (clean - corrupted),
        "it gives 0 for the clean run and -1 for the corrupted one.",
        "Subtract corrupted_logit_diff above the line, not clean_logit_diff.",
    ),
    Mistake(
        "denominator-sign",
        lambda x, clean, corrupted: (x - corrupted) / (corrupted - clean),
        "the denominator has the wrong sign: the clean run gets -1.",
        "Divide by clean - corrupted.",
    ),
    Mistake(
        "absolute-denominator",
        lambda x, clean, corrupted: (x - corrupted) / abs(clean - corrupted),
        "the denominator has lost its sign.",
        "Leave abs out: the clean run must get 1 even where its logit difference is the smaller one.",
    ),
    Mistake(
        "clamped",
        lambda x, clean, corrupted: ((x - corrupted) / (clean - corrupted)).clamp(0, 1),
        "values below 0 and above 1 are cut off.",
        "A patch may do worse than the corrupted run or better than the clean one: leave the clamp out.",
    ),
)
