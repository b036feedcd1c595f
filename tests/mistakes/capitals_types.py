"""The known wrong ways of chapter 3: the type of a token, and the probability of each type.

In the rows, t is a token's text, x logits, m the model, a answer tokens, i incorrect_idx.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications.capitals_types import TYPES, texts_of_tokens
from patchbook.tests.specifications.capitals_types import capitalisation_type as right_type


def _typed(text, first, *, rest=""):
    """The type by the space before `text` and a string that is tested whole; `rest` where nothing fits."""
    space = _space(text)
    kinds = (("upper", first.isupper()), ("lower", first.islower()), ("numeral", first.isnumeric()))
    return next((f"{space}+{kind}" for kind, fits in kinds if fits), rest or "other")


def _space(text):
    return "space" if text.startswith(" ") else "no-space"


def _first(text):
    return text.removeprefix(" ")[:1]


def _upper_needs_small(t):
    found = _typed(t, _first(t))
    second = t.removeprefix(" ")[1:2]
    return found if not found.endswith("upper") or second.islower() else "other"


def _ascii(t):
    return _typed(t, _first(t)) if _first(t).isascii() else "other"


def _lower_if_nothing_else(t):
    return _typed(t, _first(t), rest=f"{_space(t)}+lower")


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
            f"{_space(t)}+upper"
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
            _typed(t, _first(t)) if _first(t).isupper() or _first(t).isnumeric() else f"{_space(t)}+lower"
        ),
        "everything that is neither capital nor numeral is counted as lower, new lines and brackets too.",
        "Ask .islower() as well. What is none of the three is other.",
    ),
    Mistake(
        "all-but-letters-are-numerals",
        lambda t: _typed(t, _first(t), rest=f"{_space(t)}+numeral"),
        "everything that is no letter is counted as numeral, new lines and brackets too.",
        "Ask .isnumeric() as well. What is none of the three is other.",
    ),
    Mistake(
        "all-but-capitals-are-lower",
        lambda t: f"{_space(t)}+{'upper' if _first(t).isupper() else 'lower'}",
        "everything that is no capital is counted as lower: numerals, new lines and brackets too.",
        "Ask .islower() and .isnumeric() as well. What is none of the three is other.",
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
        lambda t: f"{_space(t)}+upper" if any(c.isupper() for c in t.removeprefix(" ")) else right_type(t),
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
        "only-types-that-occur",
        lambda x, m: _sums(m, _probabilities(x), types=()),
        "a type that no token has is missing.",
        "Begin with all seven types at 0, and add to them.",
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
