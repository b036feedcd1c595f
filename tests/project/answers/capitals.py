"""Answers to chapter 3: types of tokens, answers by type, corrupted prompts, the normalised metric."""

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


# titleword_answer_generator
def spellings(model, word):
    def single(text):
        return text if model.to_tokens(text, prepend_bos=False).shape[1] == 1 else None

    return [single(text) for text in (f" {word}", f" {word.lower()}", word, word.lower())]


def texts_of(model):
    return model.to_str_tokens(torch.arange(model.cfg.d_vocab), prepend_bos=False)


@right("titleword_answer_generator")
def walk_down_the_ranks(logits, model):
    answers = []
    for prompt in logits[:, -1]:
        for token in prompt.argsort(descending=True).tolist():
            text = model.tokenizer.decode([token])
            if step_by_step(text) == "space+upper":
                answers.append(spellings(model, text[1:]))
                break
    return answers


@right("titleword_answer_generator")
def mask_and_argmax(logits, model):
    texts = texts_of(model)
    good = torch.tensor([by_match(text) == "space+upper" for text in texts])
    best = logits[:, -1].masked_fill(~good, -torch.inf).argmax(-1)
    return [tuple(spellings(model, texts[i].strip())) for i in best]


@right("titleword_answer_generator")
def from_a_dictionary(logits, model):
    vocabulary = model.tokenizer.get_vocab()
    words = {i: t[1:] for t, i in vocabulary.items() if t[0] == "Ġ" and t[1:2].isupper()}
    answers = []
    for prompt in logits[:, -1].tolist():
        word = words[max(words, key=prompt.__getitem__)]
        keys = ("Ġ" + word, "Ġ" + word.lower(), word, word.lower())
        answers.append([key.replace("Ġ", " ") if key in vocabulary else None for key in keys])
    return answers


def best_of(logits, model, fits, rank=0, position=-1):
    texts = texts_of(model)
    good = torch.tensor([fits(text) for text in texts])
    order = logits[:, position].masked_fill(~good, -torch.inf).argsort(-1, descending=True)
    return [texts[i].removeprefix(" ") for i in order[:, rank]]


def is_title(text):
    return step_by_step(text) == "space+upper"


@wrong("titleword_answer_generator", "any-token")
def plain_argmax(logits, model):
    words = [model.tokenizer.decode([i]).removeprefix(" ") for i in logits[:, -1].argmax(-1)]
    return [spellings(model, word) for word in words]


@wrong("titleword_answer_generator", "no-space-capitals")
def forgot_the_space(logits, model):
    return [spellings(model, w) for w in best_of(logits, model, lambda t: t[0].isupper())]


@wrong("titleword_answer_generator", "any-word")
def any_word_with_a_space(logits, model):
    return [spellings(model, w) for w in best_of(logits, model, lambda t: re.match(r" \w", t) is not None)]


@wrong("titleword_answer_generator", "second-best")
def rank_one(logits, model):
    return [spellings(model, w) for w in best_of(logits, model, is_title, rank=1)]


@wrong("titleword_answer_generator", "first-position")
def read_at_bos(logits, model):
    return [spellings(model, w) for w in best_of(logits, model, is_title, position=0)]


@wrong("titleword_answer_generator", "parts-of-tokens")
def spelled_without_looking(logits, model):
    words = best_of(logits, model, is_title)
    return [[" " + w, " " + w.lower(), w, w.lower()] for w in words]


@wrong("titleword_answer_generator", "variants-out-of-order")
def no_space_before_small(logits, model):
    return [[row[0], row[2], row[1], row[3]] for row in mask_and_argmax(logits, model)]


@wrong("titleword_answer_generator", "title-case")
def only_istitle(logits, model):
    return [spellings(model, w) for w in best_of(logits, model, lambda t: is_title(t) and t[1:].istitle())]


@wrong("titleword_answer_generator", "single-letters-missed")
def needs_two_letters(logits, model):
    fits = lambda t: re.match(r" [A-Z][a-z]", t) is not None  # noqa: E731
    return [spellings(model, w) for w in best_of(logits, model, fits)]


@wrong("titleword_answer_generator", "contract")
def ids_of_spellings(logits, model):
    return [[model.tokenizer.convert_tokens_to_ids("The")] * 4 for _ in logits]


# logits_to_ave_logit_diff_by_type
@right("logits_to_ave_logit_diff_by_type")
def gathered(logits, answer_tokens, incorrect_idx, per_prompt=False):
    four = logits[:, -1].gather(-1, answer_tokens)
    differences = four[:, 0] - four[:, incorrect_idx]
    return differences if per_prompt else differences.mean()


@right("logits_to_ave_logit_diff_by_type")
def two_index_lists(logits, answer_tokens, incorrect_idx, per_prompt=False):
    rows = torch.arange(logits.shape[0])
    correct = logits[rows, -1, answer_tokens[:, 0]]
    incorrect = logits[rows, -1, answer_tokens[:, incorrect_idx]]
    return correct - incorrect if per_prompt else (correct - incorrect).mean()


@right("logits_to_ave_logit_diff_by_type")
def difference_of_means(logits, answer_tokens, incorrect_idx, per_prompt=False):
    log_probs = logits.log_softmax(-1)[:, -1]  # what they differ by is the same as with logits
    correct, incorrect = (log_probs.gather(1, answer_tokens[:, [i]])[:, 0] for i in (0, incorrect_idx))
    return correct - incorrect if per_prompt else correct.mean() - incorrect.mean()


@wrong("logits_to_ave_logit_diff_by_type", "incorrect-idx-ignored")
def two_columns(logits, answer_tokens, incorrect_idx, per_prompt=False):
    correct, incorrect = logits[:, -1].gather(-1, answer_tokens[:, :2]).unbind(-1)
    return correct - incorrect if per_prompt else (correct - incorrect).mean()


@wrong("logits_to_ave_logit_diff_by_type", "last-column")
def minus_one(logits, answer_tokens, incorrect_idx, per_prompt=False):
    return gathered(logits, answer_tokens, -1, per_prompt)


@wrong("logits_to_ave_logit_diff_by_type", "incorrect-idx-from-0")
def counted_wrong_ones_only(logits, answer_tokens, incorrect_idx, per_prompt=False):
    four = logits[:, -1].gather(-1, answer_tokens)
    differences = four[:, 0] - four[:, incorrect_idx - 1]
    return differences if per_prompt else differences.mean()


@wrong("logits_to_ave_logit_diff_by_type", "answers-swapped")
def wrong_minus_right(logits, answer_tokens, incorrect_idx, per_prompt=False):
    return -two_index_lists(logits, answer_tokens, incorrect_idx, per_prompt)


@wrong("logits_to_ave_logit_diff_by_type", "position-before-last")
def before_the_full_stop(logits, answer_tokens, incorrect_idx, per_prompt=False):
    return gathered(logits[:, :-1], answer_tokens, incorrect_idx, per_prompt)


@wrong("logits_to_ave_logit_diff_by_type", "per-prompt-ignored")
def always_the_mean(logits, answer_tokens, incorrect_idx, per_prompt=False):
    return gathered(logits, answer_tokens, incorrect_idx)


@wrong("logits_to_ave_logit_diff_by_type", "mean-of-all-wrong")
def all_wrong_types(logits, answer_tokens, incorrect_idx, per_prompt=False):
    four = logits[:, -1].gather(-1, answer_tokens)
    differences = four[:, 0] - four[:, 1:].mean(-1)
    return differences if per_prompt else differences.mean()


# corrupt_capitalisation
@right("corrupt_capitalisation")
def first_and_rest(prompts):
    return [prompt[0].lower() + prompt[1:] for prompt in prompts]


@right("corrupt_capitalisation")
def by_substitution(prompts):
    return [re.sub(r"^\w", lambda letter: letter[0].lower(), prompt) for prompt in prompts]


@right("corrupt_capitalisation")
def letter_list(prompts):
    corrupted = []
    for prompt in prompts:
        letters = list(prompt)
        letters[0] = letters[0].casefold()
        corrupted.append("".join(letters))
    return corrupted


@wrong("corrupt_capitalisation", "everything-small")
def lower_all(prompts):
    return [prompt.lower() for prompt in prompts]


@wrong("corrupt_capitalisation", "every-sentence")
def each_sentence(prompts):
    small = lambda match: match[0].lower()  # noqa: E731
    return [re.sub(r"(?:^|(?<=\. ))\w", small, prompt) for prompt in prompts]


@wrong("corrupt_capitalisation", "every-word")
def each_word(prompts):
    return [" ".join(w[0].lower() + w[1:] for w in prompt.split()) for prompt in prompts]


@wrong("corrupt_capitalisation", "first-word")
def whole_first_word(prompts):
    return [re.sub(r"^\S+", lambda match: match[0].lower(), prompt) for prompt in prompts]


@wrong("corrupt_capitalisation", "case-swapped")
def swapcase(prompts):
    return [prompt[0].swapcase() + prompt[1:] for prompt in prompts]


@wrong("corrupt_capitalisation", "first-letter-lost")
def forgot_to_put_it_back(prompts):
    return [prompt[1:] for prompt in prompts]


@wrong("corrupt_capitalisation", "unchanged")
def strings_do_not_change(prompts):
    for prompt in prompts:
        prompt[0].lower()
    return prompts


@wrong("corrupt_capitalisation", "contract")
def one_long_string(prompts):
    return " ".join(first_and_rest(prompts))


# normalize_patched_logit_diff
@right("normalize_patched_logit_diff")
def share_of_the_way(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    way = clean_logit_diff - corrupted_logit_diff
    return (patched_logit_diff - corrupted_logit_diff) / way


@right("normalize_patched_logit_diff")
def one_less_what_is_missing(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    missing = clean_logit_diff - patched_logit_diff
    return 1 - missing / (clean_logit_diff - corrupted_logit_diff)


@right("normalize_patched_logit_diff")
def slope_and_offset(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    slope = 1 / (clean_logit_diff - corrupted_logit_diff)
    return slope * patched_logit_diff - slope * corrupted_logit_diff


@wrong("normalize_patched_logit_diff", "reversed")
def corrupted_comes_first(patched_logit_diff, corrupted, clean):
    return (patched_logit_diff - corrupted) / (clean - corrupted)


@wrong("normalize_patched_logit_diff", "zero-is-clean")
def as_in_the_noising_metric(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    return (patched_logit_diff - clean_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


@wrong("normalize_patched_logit_diff", "clean-reversal-assumed")
def as_in_ioi(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    corrupted = -clean_logit_diff
    return (patched_logit_diff - corrupted) / (clean_logit_diff - corrupted)


@wrong("normalize_patched_logit_diff", "divided-by-clean")
def over_the_clean_one(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    return (patched_logit_diff - corrupted_logit_diff) / clean_logit_diff


@wrong("normalize_patched_logit_diff", "not-divided")
def only_the_distance(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    return patched_logit_diff - corrupted_logit_diff


@wrong("normalize_patched_logit_diff", "inverted")
def upside_down(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    return (clean_logit_diff - corrupted_logit_diff) / (patched_logit_diff - corrupted_logit_diff)


@wrong("normalize_patched_logit_diff", "clamped")
def between_0_and_1(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    return share_of_the_way(patched_logit_diff, clean_logit_diff, corrupted_logit_diff).clamp(0, 1)


@wrong("normalize_patched_logit_diff", "changed-input")
def in_place(patched_logit_diff, clean_logit_diff, corrupted_logit_diff):
    patched_logit_diff -= corrupted_logit_diff
    return patched_logit_diff / (clean_logit_diff - corrupted_logit_diff)


# mend_second_best
def likeliest(model, prompt):
    return model(model.to_tokens(prompt))[0, -1].argmax().item()


@right("mend_second_best")
def one_prompt_after_another(model, prompts):
    return [model.to_single_str_token(likeliest(model, prompt)) for prompt in prompts]


@right("mend_second_best")
def padded_on_the_left(model, prompts):
    best = model(prompts, padding_side="left")[:, -1].topk(1).indices[:, 0]
    return [model.tokenizer.decode([token]) for token in best]


@right("mend_second_best")
def sorted_and_first(model, prompts):
    words = []
    for prompt in prompts:
        ranks = sorted(enumerate(model(model.to_tokens(prompt))[0, -1].tolist()), key=lambda pair: -pair[1])
        words.append(model.to_string(torch.tensor([ranks[0][0]])))
    return words


@wrong("mend_second_best", "second-best")
def rank_from_one(model, prompts):
    ranked = [model(model.to_tokens(p))[0, -1].topk(2).indices.tolist() for p in prompts]
    return [model.tokenizer.decode([ranks[1]]) for ranks in ranked]


@wrong("mend_second_best", "least-likely")
def sorted_upwards(model, prompts):
    return [model.tokenizer.decode([model(model.to_tokens(p))[0, -1].argsort()[0].item()]) for p in prompts]


@wrong("mend_second_best", "position-before-last")
def one_too_early(model, prompts):
    logits = [model(model.to_tokens(prompt))[0, -2] for prompt in prompts]
    return [model.to_single_str_token(row.argmax().item()) for row in logits]


@wrong("mend_second_best", "space-lost")
def stripped(model, prompts):
    return [word.strip() for word in one_prompt_after_another(model, prompts)]


@wrong("mend_second_best", "ids")
def numbers(model, prompts):
    return [likeliest(model, prompt) for prompt in prompts]


@wrong("mend_second_best", "padding-read")
def as_one_tensor(model, prompts):
    best = model(model.to_tokens(prompts))[:, -1].argmax(-1)
    return [model.to_single_str_token(token.item()) for token in best]


@wrong("mend_second_best", "bos-missing")
def without_bos(model, prompts):
    rows = [model.to_tokens(prompt, prepend_bos=False) for prompt in prompts]
    return [model.to_single_str_token(model(row)[0, -1].argmax().item()) for row in rows]


# mend_model_on_answers
def two_ids(model, pair):
    return [model.to_single_token(word) for word in pair]


@right("mend_model_on_answers")
def prompt_by_prompt_difference(model, prompts, answers):
    values = []
    for prompt, pair in zip(prompts, answers, strict=True):
        final = model(model.to_tokens(prompt))[0, -1]
        correct, incorrect = two_ids(model, pair)
        values.append(final[correct] - final[incorrect])
    return torch.stack(values)


@right("mend_model_on_answers")
def left_padded(model, prompts, answers):
    ids = torch.tensor([two_ids(model, pair) for pair in answers])
    correct, incorrect = model(prompts, padding_side="left")[:, -1].gather(1, ids).T
    return correct - incorrect


@right("mend_model_on_answers")
def by_log_probabilities(model, prompts, answers):
    rows = [model(prompt)[0, -1].log_softmax(-1) for prompt in prompts]
    ids = [two_ids(model, pair) for pair in answers]
    return torch.stack([row[a] - row[b] for row, (a, b) in zip(rows, ids, strict=True)])


@wrong("mend_model_on_answers", "model-on-answers")
def ran_the_answers(model, prompts, answers):
    return prompt_by_prompt_difference(model, [correct for correct, _ in answers], answers)


@wrong("mend_model_on_answers", "model-on-wrong-answers")
def ran_the_other_answers(model, prompts, answers):
    return prompt_by_prompt_difference(model, [incorrect for _, incorrect in answers], answers)


@wrong("mend_model_on_answers", "prompt-and-answer")
def glued(model, prompts, answers):
    texts = [prompt + pair[0] for prompt, pair in zip(prompts, answers, strict=True)]
    return prompt_by_prompt_difference(model, texts, answers)


@wrong("mend_model_on_answers", "answers-swapped")
def other_way_round(model, prompts, answers):
    return prompt_by_prompt_difference(model, prompts, [pair[::-1] for pair in answers])


@wrong("mend_model_on_answers", "padding-read")
def one_padded_tensor(model, prompts, answers):
    ids = torch.tensor([two_ids(model, pair) for pair in answers])
    correct, incorrect = model(model.to_tokens(prompts))[:, -1].gather(1, ids).T
    return correct - incorrect


@wrong("mend_model_on_answers", "averaged")
def one_number(model, prompts, answers):
    return prompt_by_prompt_difference(model, prompts, answers).mean()


@wrong("mend_model_on_answers", "only-the-right-answer")
def how_high_the_right_one_is(model, prompts, answers):
    rows = [model(model.to_tokens(prompt))[0, -1] for prompt in prompts]
    return torch.stack([row[two_ids(model, pair)[0]] for row, pair in zip(rows, answers, strict=True)])


# mend_stale_cache
def direction_of(model, answer_tokens):
    return model.W_U.T[answer_tokens[:, 0]] - model.W_U.T[answer_tokens[:, 1]]


def outputs_of(model, cache, name="attn_out"):
    return torch.stack([cache[name, layer] for layer in range(model.cfg.n_layers)])[:, :, -1]


def shares(cache, outputs, direction):
    scaled = cache.apply_ln_to_stack(outputs, layer=-1, pos_slice=-1)
    return torch.einsum("lbd,bd->l", scaled, direction) / len(direction)


@right("mend_stale_cache")
def fresh_cache_for_each(model, prompt_sets, answer_tokens):
    direction, rows = direction_of(model, answer_tokens), []
    for tokens in prompt_sets:
        _, cache = model.run_with_cache(tokens)
        rows.append(shares(cache, outputs_of(model, cache), direction))
    return torch.stack(rows)


@right("mend_stale_cache")
def all_caches_first(model, prompt_sets, answer_tokens):
    caches = [model.run_with_cache(tokens)[1] for tokens in prompt_sets]
    direction = direction_of(model, answer_tokens)
    return torch.stack([shares(c, outputs_of(model, c), direction) for c in caches])


@right("mend_stale_cache")
def layer_by_layer(model, prompt_sets, answer_tokens):
    result = model.W_U.new_zeros(len(prompt_sets), model.cfg.n_layers)
    for i, tokens in enumerate(prompt_sets):
        cache = model.run_with_cache(tokens)[1]
        scale = cache["ln_final.hook_scale"][:, -1]
        for layer in range(model.cfg.n_layers):
            out = cache["attn_out", layer][:, -1]
            out = (out - out.mean(-1, keepdim=True)) / scale
            result[i, layer] = (out * direction_of(model, answer_tokens)).sum(-1).mean()
    return result


@wrong("mend_stale_cache", "stale-cache")
def cached_before_the_loop(model, prompt_sets, answer_tokens):
    _, cache = model.run_with_cache(prompt_sets[0])
    row = shares(cache, outputs_of(model, cache), direction_of(model, answer_tokens))
    return torch.stack([row for _ in prompt_sets])


@wrong("mend_stale_cache", "last-cache")
def only_the_last_cache_is_left(model, prompt_sets, answer_tokens):
    for tokens in prompt_sets:
        _, cache = model.run_with_cache(tokens)
    row = shares(cache, outputs_of(model, cache), direction_of(model, answer_tokens))
    return row.repeat(len(prompt_sets), 1)


@wrong("mend_stale_cache", "cache-before")
def read_then_run(model, prompt_sets, answer_tokens):
    _, cache = model.run_with_cache(prompt_sets[0])
    rows = []
    for tokens in prompt_sets:
        rows.append(shares(cache, outputs_of(model, cache), direction_of(model, answer_tokens)))
        _, cache = model.run_with_cache(tokens)
    return torch.stack(rows)


@wrong("mend_stale_cache", "stale-scale")
def old_scale(model, prompt_sets, answer_tokens):
    _, first = model.run_with_cache(prompt_sets[0])
    caches = [model.run_with_cache(tokens)[1] for tokens in prompt_sets]
    direction = direction_of(model, answer_tokens)
    return torch.stack([shares(first, outputs_of(model, c), direction) for c in caches])


@wrong("mend_stale_cache", "no-scale")
def unscaled(model, prompt_sets, answer_tokens):
    caches = [model.run_with_cache(tokens)[1] for tokens in prompt_sets]
    outputs = torch.stack([outputs_of(model, cache) for cache in caches])
    return torch.einsum("slbd,bd->sl", outputs, direction_of(model, answer_tokens)) / len(answer_tokens)


@wrong("mend_stale_cache", "transposed")
def layers_first(model, prompt_sets, answer_tokens):
    return fresh_cache_for_each(model, prompt_sets, answer_tokens).T


@wrong("mend_stale_cache", "whole-blocks")
def attention_and_mlps(model, prompt_sets, answer_tokens):
    caches = [model.run_with_cache(tokens)[1] for tokens in prompt_sets]
    direction, rows = direction_of(model, answer_tokens), []
    for cache in caches:
        both = outputs_of(model, cache) + outputs_of(model, cache, "mlp_out")
        rows.append(shares(cache, both, direction))
    return torch.stack(rows)
