"""Answers to chapter 3: the type of a token, and the probability of each type."""

import re

import torch

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


KINDS = ("upper", "lower", "numeral")


# capitalisation_type
@right("capitalisation_type")
def step_by_step(str_token):
    prefix = "no-space+"
    if str_token.startswith(" "):
        prefix, str_token = "space+", str_token[1:]
    if not str_token:
        return "other"
    first = str_token[0]
    if first.isupper():
        return prefix + "upper"
    if first.islower():
        return prefix + "lower"
    return prefix + "numeral" if first.isdigit() else "other"


@right("capitalisation_type")
def by_match(str_token):
    space, first = re.match(r"( ?)(.?)", str_token, re.DOTALL).groups()
    tests = [first.isupper(), first.islower(), first.isdecimal()]
    return f"{'space' if space else 'no-space'}+{KINDS[tests.index(True)]}" if any(tests) else "other"


@right("capitalisation_type")
def by_changing_case(str_token):
    has_space = str_token[:1] == " "
    first = str_token[has_space : has_space + 1]
    if first != first.lower():
        kind = "upper"
    elif first != first.upper():
        kind = "lower"
    elif first in tuple("0123456789"):
        kind = "numeral"
    else:
        return "other"
    return ("space+" if has_space else "no-space+") + kind


@wrong("capitalisation_type", "leading-space-forgotten")
def first_character(str_token):
    first = str_token[0]
    space = "space" if first == " " else "no-space"
    for kind, yes in zip(KINDS, (first.isupper(), first.islower(), first.isnumeric()), strict=True):
        if yes:
            return f"{space}+{kind}"
    return "other"


@wrong("capitalisation_type", "whole-token")
def is_upper_of_all(str_token):
    word = str_token[1:] if str_token[0] == " " else str_token
    space = "space" if str_token[0] == " " else "no-space"
    if word.isupper():
        return space + "+upper"
    if word.islower():
        return space + "+lower"
    return space + "+numeral" if word.isnumeric() else "other"


@wrong("capitalisation_type", "upper-needs-a-small-letter")
def capital_then_small(str_token):
    answer = step_by_step(str_token)
    if answer.endswith("upper") and not re.match(r" ?\w[a-zà-ü]", str_token):
        return "other"
    return answer


@wrong("capitalisation_type", "title-case")
def title_method(str_token):
    word = str_token.strip()
    answer = step_by_step(str_token)
    return "other" if answer.endswith("upper") and word != word.title() else answer


@wrong("capitalisation_type", "not-upper-is-lower")
def else_branch(str_token):
    space = "space+" if str_token.startswith(" ") else "no-space+"
    first = str_token.removeprefix(" ")[:1]
    return space + ("upper" if first.isupper() else "numeral" if first.isdigit() else "lower")


@wrong("capitalisation_type", "newline-is-lower")
def new_line_is_a_small_one(str_token):
    return "no-space+lower" if str_token.startswith("\n") else by_match(str_token)


@wrong("capitalisation_type", "all-whitespace-stripped")
def with_strip(str_token):
    word = str_token.strip()
    answer = step_by_step(word) if word else "other"
    if answer == "other":
        return answer
    return ("space+" if str_token[0].isspace() else "no-space+") + answer.split("+")[1]


@wrong("capitalisation_type", "numerals-are-other")
def only_letters(str_token):
    answer = step_by_step(str_token)
    return "other" if "numeral" in answer else answer


@wrong("capitalisation_type", "ascii-only")
def ranges_of_letters(str_token):
    found = re.match(r"( ?)(?:([A-Z])|([a-z])|(\d))", str_token)
    if not found:
        return "other"
    kind = KINDS[found.lastindex - 2]
    return f"{'space' if found[1] else 'no-space'}+{kind}"


@wrong("capitalisation_type", "first-difference")
def other_words_for_it(str_token):
    return step_by_step(str_token).replace("upper", "capital")


# cumul_probs_by_capitalisation_type
ALL_TYPES = [f"{space}+{kind}" for space in ("space", "no-space") for kind in KINDS] + ["other"]


@right("cumul_probs_by_capitalisation_type")
def token_by_token(logits, model):
    probabilities = logits[:, -1].softmax(dim=-1).mean(dim=0)
    result = {kind: 0.0 for kind in ALL_TYPES}
    for token, text in enumerate(model.to_str_tokens(torch.arange(len(probabilities)), prepend_bos=False)):
        result[step_by_step(text)] += probabilities[token].item()
    return result


@right("cumul_probs_by_capitalisation_type")
def with_masks(logits, model):
    types = [by_match(model.tokenizer.decode([i])) for i in range(logits.shape[-1])]
    probabilities = torch.softmax(logits[:, -1].double(), dim=-1)
    masks = {kind: torch.tensor([t == kind for t in types]) for kind in ALL_TYPES}
    return {kind: probabilities[:, mask].sum(-1).mean().item() for kind, mask in masks.items()}


@right("cumul_probs_by_capitalisation_type")
def prompt_by_prompt(logits, model):
    texts = model.to_str_tokens(torch.arange(logits.shape[-1]), prepend_bos=False)
    result = dict.fromkeys(ALL_TYPES, 0.0)
    for prompt in logits:
        weights = prompt[-1].log_softmax(-1).exp().tolist()
        for text, weight in zip(texts, weights, strict=True):
            result[by_changing_case(text)] += weight / len(logits)
    return result


def summed(model, weights, kind=step_by_step):
    result = dict.fromkeys(ALL_TYPES, 0.0)
    texts = model.to_str_tokens(torch.arange(len(weights)), prepend_bos=False)
    for text, weight in zip(texts, weights.tolist(), strict=True):
        result[kind(text)] += weight
    return result


@wrong("cumul_probs_by_capitalisation_type", "not-averaged")
def added_prompts(logits, model):
    return summed(model, logits[:, -1].softmax(-1).sum(0))


@wrong("cumul_probs_by_capitalisation_type", "logits-added")
def no_softmax(logits, model):
    return summed(model, logits[:, -1].mean(0))


@wrong("cumul_probs_by_capitalisation_type", "mean-logits")
def softmax_last(logits, model):
    return summed(model, logits[:, -1].mean(0).softmax(-1))


@wrong("cumul_probs_by_capitalisation_type", "all-positions")
def every_position(logits, model):
    return summed(model, logits.softmax(-1).flatten(0, 1).mean(0))


@wrong("cumul_probs_by_capitalisation_type", "softmax-over-prompts")
def softmax_along_0(logits, model):
    return summed(model, logits[:, -1].softmax(dim=0).mean(dim=0))


@wrong("cumul_probs_by_capitalisation_type", "types-left-out")
def no_other(logits, model):
    result = summed(model, logits[:, -1].softmax(-1).mean(0))
    del result["other"]
    return result


@wrong("cumul_probs_by_capitalisation_type", "leading-space-forgotten")
def judged_by_its_space(logits, model):
    return summed(model, logits[:, -1].softmax(-1).mean(0), kind=first_character)


@wrong("cumul_probs_by_capitalisation_type", "newline-is-lower")
def what_is_not_upper_is_lower(logits, model):
    return summed(model, logits[:, -1].softmax(-1).mean(0), kind=else_branch)


@wrong("cumul_probs_by_capitalisation_type", "text-stripped")
def stripped_texts(logits, model):
    kind = lambda text: step_by_step(text.strip() or "\n")  # noqa: E731
    return summed(model, logits[:, -1].softmax(-1).mean(0), kind=kind)


@right("cumul_probs_by_capitalisation_type")
def tensors_in_a_dict(logits, model):
    probabilities = logits[:, -1].softmax(-1).mean(0)
    texts = model.to_str_tokens(torch.arange(len(probabilities)), prepend_bos=False)
    result = dict.fromkeys(ALL_TYPES, torch.tensor(0.0))
    for text, probability in zip(texts, probabilities, strict=True):
        result[step_by_step(text)] = result[step_by_step(text)] + probability
    return result


@wrong("cumul_probs_by_capitalisation_type", "contract")
def lists_in_a_dict(logits, model):
    return {kind: [share.item()] for kind, share in tensors_in_a_dict(logits, model).items()}


@wrong("cumul_probs_by_capitalisation_type", "first-difference")
def only_those_that_occur(logits, model):
    """Right types, but every token's probability counts as much as its rank."""
    ranks = logits[:, -1].mean(0).argsort().argsort().double()
    return summed(model, ranks / ranks.sum())
