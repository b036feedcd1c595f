"""The known wrong ways of chapter 2: standard errors, and what chance alone would name."""

import math

from patchbook.checking import Mistake


def _spread(values, correction=1):
    return values.std(dim=-1, correction=correction)


def _two_groups(clean, patched):
    """The standard error of the difference of two groups of different prompts."""
    n = len(clean)
    return (clean.var() / n + patched.var(dim=-1) / n).sqrt()


standard_error_of_effect = (
    Mistake(
        "standard-deviation",
        lambda clean, patched: _spread(patched - clean),
        "this is the standard deviation: how much prompts differ. It stays, however many prompts there are.",
        "Divide it by the square root of the number of prompts.",
    ),
    Mistake(
        "unpaired",
        _two_groups,
        "clean and patched are treated as two groups of different prompts.",
        "Each prompt is run twice: first take patched - clean prompt by prompt, then the spread of that.",
    ),
    Mistake(
        "errors-subtracted",
        lambda clean, patched: (_spread(patched) - _spread(clean)) / len(clean) ** 0.5,
        "this is the difference of two standard errors; wanted the standard error of the difference.",
        "First take patched - clean prompt by prompt, then the spread of that.",
    ),
    Mistake(
        "of-patched-alone",
        lambda clean, patched: _spread(patched) / len(clean) ** 0.5,
        "this is the standard error of the patched run's mean: clean is not used.",
        "The effect on a prompt is patched - clean.",
    ),
    Mistake(
        "of-clean-alone",
        lambda clean, patched: (_spread(clean) / len(clean) ** 0.5).expand(patched.shape[:-1]),
        "this is the standard error of the clean run's mean: patched is not used.",
        "The effect on a prompt is patched - clean.",
    ),
    Mistake(
        "of-the-sum",
        lambda clean, patched: _spread(patched + clean) / len(clean) ** 0.5,
        "clean and patched are added.",
        "The effect on a prompt is patched - clean.",
    ),
    Mistake(
        "divided-by-n",
        lambda clean, patched: _spread(patched - clean) / len(clean),
        "the standard deviation is divided by the number of prompts; wanted its square root.",
        "Divide by n ** 0.5.",
    ),
    Mistake(
        "variance-of-the-mean",
        lambda clean, patched: (patched - clean).var(dim=-1) / len(clean),
        "this is the variance of the mean, the square of its standard error.",
        "Take the square root: standard deviation over the square root of the number of prompts.",
    ),
    Mistake(
        "spread-around-the-wrong-mean",
        lambda clean, patched: _spread(patched - clean, correction=0) / len(clean) ** 0.5,
        "the sum of squares is divided by n. The mean came from the same prompts, so that is too little.",
        "Divide by n - 1, as .std() does by itself.",
    ),
    Mistake(
        "root-of-n-less-1",
        lambda clean, patched: _spread(patched - clean) / (len(clean) - 1) ** 0.5,
        "the standard deviation is divided by the square root of n - 1.",
        "n - 1 belongs into the standard deviation. Divide that by the square root of n.",
    ),
    Mistake(
        "around-zero",
        lambda clean, patched: ((patched - clean) ** 2).mean(dim=-1).sqrt() / len(clean) ** 0.5,
        "this is the spread around zero: a large effect makes it large, though all prompts agree.",
        "The spread is meant around the mean effect: .std() takes the mean away.",
    ),
    Mistake(
        "two-standard-errors",
        lambda clean, patched: 2 * _spread(patched - clean) / len(clean) ** 0.5,
        "these are two standard errors.",
        "Return one. How many of them make you sure is decided later.",
    ),
    Mistake(
        "mean-effect",
        lambda clean, patched: (patched - clean).mean(dim=-1),
        "this is the mean effect; wanted how sure it is.",
        "Take the standard deviation of patched - clean over the prompts, and divide it by n ** 0.5.",
    ),
    Mistake(
        "effect-in-errors",
        lambda clean, patched: (
            (patched - clean).mean(dim=-1) / _spread(patched - clean) * math.sqrt(len(clean))
        ),
        "this is the effect in units of its standard error; wanted the standard error itself.",
        "Leave the mean out: the spread of patched - clean over the square root of the number of prompts.",
    ),
)


def _without_an_effect(effects, draws):
    """[draw k]: what each draw's prompts say of a head that does nothing on average."""
    return (effects - effects.mean())[draws]


def _share(passed):
    return passed.double().mean().item()


null_of_threshold = (
    Mistake(
        "not-centred",
        lambda effects, threshold, draws: _share(effects[draws].mean(dim=-1).abs() >= threshold),
        "the effect itself is still in: this says how often the head as it is passes the line.",
        "Take the mean over all prompts away first: effects - effects.mean().",
    ),
    Mistake(
        "centred-in-each-draw",
        lambda effects, threshold, draws: _share(
            (effects[draws] - effects[draws].mean(dim=-1, keepdim=True)).mean(dim=-1).abs() >= threshold
        ),
        "each draw loses its own mean, so no draw has any effect left.",
        "Take away the mean over all prompts, once, before you draw.",
    ),
    Mistake(
        "upwards-only",
        lambda effects, threshold, draws: _share(
            _without_an_effect(effects, draws).mean(dim=-1) >= threshold
        ),
        "only draws above the line count. A head is named for an effect in the other direction, too.",
        "Compare the absolute value of the mean: .abs().",
    ),
    Mistake(
        "prompt-by-prompt",
        lambda effects, threshold, draws: _share(_without_an_effect(effects, draws).abs() >= threshold),
        "single prompts are held against the line.",
        "Take the mean of each draw's k prompts first.",
    ),
    Mistake(
        "mean-of-sizes",
        lambda effects, threshold, draws: _share(
            _without_an_effect(effects, draws).abs().mean(dim=-1) >= threshold
        ),
        "the absolute value is taken before the mean, so that prompts can no longer cancel.",
        "First the mean of the draw, then .abs().",
    ),
    Mistake(
        "any-prompt",
        lambda effects, threshold, draws: _share(
            (_without_an_effect(effects, draws).abs() >= threshold).any(dim=-1)
        ),
        "a draw counts as soon as one of its prompts passes the line.",
        "The mean of the draw's k prompts has to pass it.",
    ),
    Mistake(
        "sums",
        lambda effects, threshold, draws: _share(
            _without_an_effect(effects, draws).sum(dim=-1).abs() >= threshold
        ),
        "the sum of the draw's prompts is held against the line; wanted their mean.",
        "Use .mean(dim=-1).",
    ),
    Mistake(
        "over-draws",
        lambda effects, threshold, draws: _share(
            _without_an_effect(effects, draws).mean(dim=0).abs() >= threshold
        ),
        "the mean runs over the draws; wanted one mean for each draw.",
        "draws has the axes (draw, k): .mean(dim=-1) runs over the prompts of a draw.",
    ),
    Mistake(
        "counted",
        lambda effects, threshold, draws: float(
            (_without_an_effect(effects, draws).mean(dim=-1).abs() >= threshold).sum()
        ),
        "this is the number of draws that pass; wanted their share.",
        "Divide by the number of draws: .float().mean().",
    ),
    Mistake(
        "those-that-fail",
        lambda effects, threshold, draws: _share(
            _without_an_effect(effects, draws).mean(dim=-1).abs() < threshold
        ),
        "this is the share of draws that do not reach the line.",
        "Count with >= threshold.",
    ),
    Mistake(
        "on-the-line-left-out",
        lambda effects, threshold, draws: _share(
            _without_an_effect(effects, draws).mean(dim=-1).abs() > threshold
        ),
        "a draw exactly on the line is left out. It reaches it, and its head would be named.",
        "Use >=.",
    ),
)
