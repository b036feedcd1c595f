"""Answers to chapter 3: prompts without their capital, and the scale of a patch."""

import re

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


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


@wrong("corrupt_capitalisation", "first-letter-twice")
def before_the_prompt(prompts):
    return [prompt[0].lower() + prompt for prompt in prompts]


@wrong("corrupt_capitalisation", "each-prompt-once")
def through_a_dictionary(prompts):
    small = {prompt: prompt[0].lower() + prompt[1:] for prompt in prompts}
    return list(small.values())


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
