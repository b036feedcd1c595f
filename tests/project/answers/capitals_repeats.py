"""Answers to chapter 3: is it the capital, or the word that was said before?"""

import statistics

import numpy as np
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# repeated_word_prompts
@right("repeated_word_prompts")
def with_format(frame, word, other):
    if word.casefold() == other.casefold():
        raise ValueError("that is the same word")
    return {
        "repeated": (frame.format(word), frame.format(word.lower())),
        "control": (frame.format(other), frame.format(other.lower())),
    }


@right("repeated_word_prompts")
def cut_at_the_slot(frame, word, other):
    before, after = frame.split("{}")
    if other.lower() == word.lower():
        raise ValueError(f"{other} is no control for {word}")
    groups = {}
    for name, first in [("repeated", word), ("control", other)]:
        groups[name] = tuple(before + form + after for form in (first, first.lower()))
    return groups


@right("repeated_word_prompts")
def pairs_as_lists(frame, word, other):
    if word.upper() == other.upper():
        raise ValueError
    pair = lambda first: [frame.replace("{}", first, 1), frame.replace("{}", first.lower(), 1)]  # noqa: E731
    return dict(control=pair(other), repeated=pair(word))


@wrong("repeated_word_prompts", "everything-small")
def lower_the_prompt(frame, word, other):
    if word.lower() == other.lower():
        raise ValueError("same word")
    capitals = {"repeated": frame.format(word), "control": frame.format(other)}
    return {name: (text, text.lower()) for name, text in capitals.items()}


@wrong("repeated_word_prompts", "small-first")
def from_small_to_large(frame, word, other):
    groups = with_format(frame, word, other)
    return {name: (small, capital) for name, (capital, small) in groups.items()}


@wrong("repeated_word_prompts", "first-letter-of-the-prompt")
def as_in_the_exercise_before(frame, word, other):
    if word.lower() == other.lower():
        raise ValueError("same word")
    texts = {"repeated": frame.format(word), "control": frame.format(other)}
    return {name: (text, text[0].lower() + text[1:]) for name, text in texts.items()}


@wrong("repeated_word_prompts", "always-a-control")
def trusts_its_caller(frame, word, other):
    groups = {"repeated": word, "control": other}
    return {name: (frame.format(w), frame.format(w.lower())) for name, w in groups.items()}


@wrong("repeated_word_prompts", "case-counts")
def compared_as_they_are(frame, word, other):
    if word == other:
        raise ValueError("the same word twice")
    return trusts_its_caller(frame, word, other)


@wrong("repeated_word_prompts", "crossed")
def small_from_the_other(frame, word, other):
    groups = with_format(frame, word, other)
    (a, b), (c, d) = groups["repeated"], groups["control"]
    return {"repeated": (a, d), "control": (c, b)}


@wrong("repeated_word_prompts", "capitalised")
def makes_sure_of_the_capital(frame, word, other):
    small = with_format(frame, word.lower(), other.lower())
    first = {"repeated": word, "control": other}
    return {n: (frame.format(first[n].capitalize()), texts[1]) for n, texts in small.items()}


@wrong("repeated_word_prompts", "contract")
def one_list(frame, word, other):
    groups = with_format(frame, word, other)
    return [*groups["repeated"], *groups["control"]]


# difference_of_differences
@right("difference_of_differences")
def with_torch(repeated, control):
    extra = repeated.diff(dim=-1)[:, 0] * -1 + control.diff(dim=-1)[:, 0]
    return extra.mean().item(), (extra.std() / len(extra) ** 0.5).item()


@right("difference_of_differences")
def with_statistics(repeated, control):
    pairs = zip(repeated.tolist(), control.tolist(), strict=True)
    extra = [(a - b) - (c - d) for (a, b), (c, d) in pairs]
    return statistics.fmean(extra), statistics.stdev(extra) / len(extra) ** 0.5


@right("difference_of_differences")
def with_numpy(repeated, control):
    contrast = np.array([1.0, -1.0])
    extra = repeated.numpy() @ contrast - control.numpy() @ contrast
    return extra.mean(), extra.std(ddof=1) / np.sqrt(extra.size)


@right("difference_of_differences")
def tensors_from_the_variance(repeated, control):
    extra = (repeated - control) @ torch.tensor([1.0, -1.0], dtype=repeated.dtype)
    return torch.mean(extra), torch.sqrt(torch.var(extra) / extra.shape[0])


@wrong("difference_of_differences", "no-control")
def effect_of_the_capital(repeated, control):
    effect = repeated[:, 0] - repeated[:, 1]
    return effect.mean().item(), effect.std().item() / len(effect) ** 0.5


@wrong("difference_of_differences", "groups-swapped")
def control_first(repeated, control):
    return with_torch(control, repeated)


@wrong("difference_of_differences", "standard-deviation")
def spread_of_the_pairs(repeated, control):
    effects = [group[:, 0] - group[:, 1] for group in (repeated, control)]
    extra = effects[0] - effects[1]
    return extra.mean().item(), extra.std().item()


@wrong("difference_of_differences", "population-error")
def numpys_default(repeated, control):
    extra = (repeated - control).numpy() @ np.array([1.0, -1.0])
    return float(extra.mean()), float(extra.std() / np.sqrt(len(extra)))


@wrong("difference_of_differences", "two-groups")
def as_two_samples(repeated, control):
    means, errors = [], []
    for group in (repeated, control):
        effect = group[:, 0] - group[:, 1]
        means.append(effect.mean().item())
        errors.append(effect.std().item() / len(effect) ** 0.5)
    return means[0] - means[1], (errors[0] ** 2 + errors[1] ** 2) ** 0.5


@wrong("difference_of_differences", "divided-by-n")
def forgot_the_root(repeated, control):
    extra = (repeated[:, 0] - control[:, 0]) - (repeated[:, 1] - control[:, 1])
    return extra.mean().item(), extra.std().item() / len(extra)


@wrong("difference_of_differences", "capital-alone")
def ignored_the_small_letters(repeated, control):
    extra = repeated[:, 0] - control[:, 0]
    return extra.mean().item(), (extra.var() / len(extra)).sqrt().item()


@wrong("difference_of_differences", "contract")
def one_value_for_each_pair(repeated, control):
    return (repeated[:, 0] - repeated[:, 1]) - (control[:, 0] - control[:, 1])
