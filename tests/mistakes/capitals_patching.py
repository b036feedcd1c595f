"""The known wrong ways of chapter 3: prompts without their capital, and the scale of a patch.

In the rows, t is a token's text, x logits, m the model, a answer tokens, i incorrect_idx.
"""

from patchbook.checking import Mistake


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
        "first-letter-twice",
        _each(lambda p: p[:1].lower() + p),
        "the small letter stands before the capital; wanted in its place.",
        "Add the rest of the prompt from its second letter on: prompt[1:].",
    ),
    Mistake(
        "first-letter-only",
        _each(lambda p: p[:1].lower()),
        "only the first letter comes back.",
        "Add the rest of the prompt from its second letter on: prompt[1:].",
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
        "each-prompt-once",
        lambda prompts: tuple(p[:1].lower() + p[1:] for p in dict.fromkeys(prompts)),
        "a prompt that stands in the list twice comes back once.",
        "Collect the new texts in a list: a dictionary or a set keeps each of them once.",
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
