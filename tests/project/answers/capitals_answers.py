"""Answers to chapter 3: likely words in four spellings, and their logit differences."""

import re

import torch

from . import Bank
from .capitals_types import by_match, step_by_step

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


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


@wrong("logits_to_ave_logit_diff_by_type", "every-answer-for-every-prompt")
def indexed_with_all_answers(logits, answer_tokens, incorrect_idx, per_prompt=False):
    right_logits = logits[:, -1, answer_tokens[:, 0]]
    differences = right_logits - logits[:, -1, answer_tokens[:, incorrect_idx]]
    return differences if per_prompt else differences.mean()
