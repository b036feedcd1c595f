"""The known wrong ways of chapter 3: is it the capital, or the word that was said before?

In the rows of the second exercise, r are the repeated word's logit differences and c the control's.
"""

from patchbook.checking import Mistake


def _begun(frame, word):
    return frame.format(word), frame.format(word.lower())


def _four(begin=_begun, control=lambda word, other: other, refuse=True, names=("repeated", "control")):
    """begin(frame, word) -> the two prompts that begin with it. control: what the second pair begins with."""

    def wrong(frame, word, other):
        if refuse and word.lower() == other.lower():
            raise ValueError("the control needs another word")
        pairs = begin(frame, word), begin(frame, control(word, other))
        return dict(zip(names, pairs, strict=True))

    return wrong


def _first_letter_small(text):
    return text[:1].lower() + text[1:]


def _exact_comparison(frame, word, other):
    if word == other:
        raise ValueError("the control needs another word")
    return _four(refuse=False)(frame, word, other)


repeated_word_prompts = (
    Mistake(
        "everything-small",
        _four(begin=lambda f, w: (f.format(w), f.format(w).lower())),
        "the whole prompt is in small letters; wanted only the word in the slot.",
        "Make the word small, then put it in: frame.format(word.lower()).",
    ),
    Mistake(
        "small-first",
        _four(begin=lambda f, w: (f.format(w.lower()), f.format(w))),
        "the prompt with the small letter comes first.",
        "The order is: with its capital, in small letters.",
    ),
    Mistake(
        "only-first-letter-small",
        _four(begin=lambda f, w: (f.format(w), f.format(_first_letter_small(w)))),
        "only the first letter of the word is made small.",
        'The small form of "NASA" is "nasa": use .lower().',
    ),
    Mistake(
        "first-letter-of-the-prompt",
        _four(begin=lambda f, w: (f.format(w), _first_letter_small(f.format(w)))),
        "the first letter of the prompt is made small; wanted the word in the slot.",
        "The slot need not be at the beginning: change the word, not the text.",
    ),
    Mistake(
        "no-control",
        _four(control=lambda word, other: word),
        "the control begins with the same word: then it controls nothing.",
        "The control's two prompts begin with `other`.",
    ),
    Mistake(
        "groups-swapped",
        _four(names=("control", "repeated")),
        "the two groups have changed places.",
        '"repeated" begins with `word`, "control" with `other`.',
    ),
    Mistake(
        "crossed",
        lambda frame, word, other: (
            _four()(frame, word, other)
            and {
                "repeated": (frame.format(word), frame.format(other.lower())),
                "control": (frame.format(other), frame.format(word.lower())),
            }
        ),
        "capital and small letter of one group are on different words.",
        "Within a group only the capital changes: the same word in both prompts.",
    ),
    Mistake(
        "by-case",
        lambda frame, word, other: (
            _four()(frame, word, other)
            and {
                "repeated": (frame.format(word), frame.format(other)),
                "control": (frame.format(word.lower()), frame.format(other.lower())),
            }
        ),
        "the prompts are sorted by their letter; wanted by their word.",
        '"repeated" holds the two prompts that begin with `word`.',
    ),
    Mistake(
        "always-a-control",
        _four(refuse=False),
        "a word that is its own control is accepted.",
        "Raise a ValueError where both words are the same, whatever their case.",
    ),
    Mistake(
        "case-counts",
        _exact_comparison,
        'the same word in another case, such as "My" and "MY", is accepted as a control.',
        "Compare word.lower() with other.lower().",
    ),
    Mistake(
        "upper-case",
        _four(begin=lambda f, w: (f.format(w.upper()), f.format(w.lower()))),
        "the word is written in capitals altogether.",
        "Take the word as it is given: it has its capital.",
    ),
    Mistake(
        "capitalised",
        _four(begin=lambda f, w: (f.format(w.capitalize()), f.format(w.lower()))),
        "the word's other letters are made small in the prompt with its capital.",
        "Take the word as it is given: .capitalize() changes more than the first letter.",
    ),
    Mistake(
        "as-lists-of-words",
        _four(begin=lambda f, w: (w, w.lower())),
        "these are the words; wanted the whole prompts.",
        "Put the word into the frame: frame.format(word).",
    ),
)


def _with_error(
    extra, error=lambda values: values.std() / len(values) ** 0.5, mean=lambda values: values.mean()
):
    """extra(r, c) -> one value for each pair; error and mean of them, wrong in some way."""

    def wrong(repeated, control):
        values = extra(repeated, control)
        return mean(values).item(), error(values).item()

    return wrong


def _right(r, c):
    return (r[:, 0] - r[:, 1]) - (c[:, 0] - c[:, 1])


def _unpaired(r, c):
    n = len(r)
    values = [r[:, 0], r[:, 1], c[:, 0], c[:, 1]]
    return _right(r, c).mean().item(), sum(v.var() / n for v in values).sqrt().item()


def _two_groups(r, c):
    n = len(r)
    effects = (r[:, 0] - r[:, 1], c[:, 0] - c[:, 1])
    return _right(r, c).mean().item(), sum(v.var() / n for v in effects).sqrt().item()


def _added_errors(r, c):
    n = len(r)
    effects = (r[:, 0] - r[:, 1], c[:, 0] - c[:, 1])
    return _right(r, c).mean().item(), sum(v.std() for v in effects).item() / n**0.5


difference_of_differences = (
    Mistake(
        "no-control",
        _with_error(lambda r, c: r[:, 0] - r[:, 1]),
        "this is the effect of the capital on the word itself; the control's is not taken away.",
        "Subtract the same difference of the control.",
    ),
    Mistake(
        "only-the-control",
        _with_error(lambda r, c: c[:, 0] - c[:, 1]),
        "this is the effect of the capital on the control alone.",
        "Subtract it from that of the repeated word.",
    ),
    Mistake(
        "groups-swapped",
        _with_error(lambda r, c: -_right(r, c)),
        "it is the other way round: the repeated word's effect is taken away from the control's.",
        "repeated minus control.",
    ),
    Mistake(
        "added",
        _with_error(lambda r, c: (r[:, 0] - r[:, 1]) + (c[:, 0] - c[:, 1])),
        "the two effects are added.",
        "Subtract the control's effect.",
    ),
    Mistake(
        "capital-alone",
        _with_error(lambda r, c: r[:, 0] - c[:, 0]),
        "the prompts with a small letter play no part.",
        "First the effect of the capital within each group: column 0 less column 1.",
    ),
    Mistake(
        "small-alone",
        _with_error(lambda r, c: r[:, 1] - c[:, 1]),
        "the prompts with a capital play no part.",
        "First the effect of the capital within each group: column 0 less column 1.",
    ),
    Mistake(
        "population-error",
        _with_error(_right, error=lambda v: v.std(correction=0) / len(v) ** 0.5),
        "the standard deviation divides by n; for a sample it divides by n - 1.",
        "torch's .std() does so by itself; numpy's needs ddof=1.",
    ),
    Mistake(
        "standard-deviation",
        _with_error(_right, error=lambda v: v.std()),
        "the second number is the standard deviation of the pairs; wanted the standard error of their mean.",
        "Divide by the square root of the number of pairs.",
    ),
    Mistake(
        "divided-by-n",
        _with_error(_right, error=lambda v: v.std() / len(v)),
        "the standard deviation is divided by the number of pairs; wanted by its square root.",
        "len(values) ** 0.5",
    ),
    Mistake(
        "root-of-n-less-one",
        _with_error(_right, error=lambda v: v.std() / (len(v) - 1) ** 0.5),
        "the standard deviation is divided by the root of n - 1; wanted the root of n.",
        "n - 1 belongs into the standard deviation, where .std() has it already.",
    ),
    Mistake(
        "variance",
        _with_error(_right, error=lambda v: v.var() / len(v)),
        "the second number is the square of the standard error.",
        "Use .std(), or take the square root.",
    ),
    Mistake(
        "unpaired",
        _unpaired,
        "the four columns are treated as independent samples: the standard error does not know the pairs.",
        "First one number for each pair, then the standard error of these numbers.",
    ),
    Mistake(
        "two-groups",
        _two_groups,
        "the two groups are treated as independent samples: the standard error does not know the pairs.",
        "First one number for each pair, then the standard error of these numbers.",
    ),
    Mistake(
        "errors-added",
        _added_errors,
        "the standard errors of the two groups are added.",
        "First one number for each pair, then the standard error of these numbers.",
    ),
    Mistake(
        "sum",
        _with_error(_right, mean=lambda v: v.sum()),
        "the first number is a sum over the pairs; wanted the mean.",
        "Use .mean().",
    ),
    Mistake(
        "absolute",
        _with_error(lambda r, c: _right(r, c).abs()),
        "each pair's difference has lost its sign.",
        "Leave abs out: positive and negative accidents cancel in the mean.",
    ),
)
