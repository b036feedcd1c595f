"""The known wrong ways of chapter 5: estimates against what is true."""

import functools

from patchbook.checking import Mistake


def _agreement(estimates, effects, number, **wrong):
    """agreement with one thing wrong."""
    if wrong.get("common"):
        effects = {edge: effect for edge, effect in effects.items() if edge in estimates}
    if estimates.keys() != effects.keys():
        raise ValueError("other edges")
    if wrong.get("unpaired"):
        estimates = dict(zip(effects, estimates.values(), strict=True))
    r_squared = wrong.get("r", _r_squared)(estimates, effects)
    key = wrong.get("key", lambda estimate, effect: -abs(effect - estimate))
    furthest = sorted(effects, key=lambda edge: key(estimates[edge], effects[edge]))
    return r_squared, furthest[:: wrong.get("step", 1)][: len(effects) if wrong.get("all") else number]


def _parts(estimates, effects):
    x, y = [estimates[edge] for edge in effects], list(effects.values())
    means = sum(x) / len(x), sum(y) / len(y)
    return x, y, *means


def _r_squared(estimates, effects):
    return 1 - _missed(estimates, effects)


def _missed(estimates, effects):
    x, y, _, mean = _parts(estimates, effects)
    return sum((b - a) ** 2 for a, b in zip(x, y, strict=True)) / sum((b - mean) ** 2 for b in y)


def _correlation(estimates, effects):
    x, y, mean_x, mean_y = _parts(estimates, effects)
    both = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return both / (sum((a - mean_x) ** 2 for a in x) * sum((b - mean_y) ** 2 for b in y)) ** 0.5


def _not_centred(estimates, effects):
    x, y, _, _ = _parts(estimates, effects)
    return 1 - sum((b - a) ** 2 for a, b in zip(x, y, strict=True)) / sum(b**2 for b in y)


def _r(r):
    return functools.partial(_agreement, r=r)


def _furthest(key):
    return functools.partial(_agreement, key=key)


agreement = (
    Mistake(
        "correlation-squared",
        _r(lambda estimates, effects: _correlation(estimates, effects) ** 2),
        "this is the squared correlation: it forgives estimates that are all ten times too large.",
        "Measure from the line `estimate = effect`: 1 - sum((effect - estimate)²) / sum((effect - mean)²).",
    ),
    Mistake(
        "correlation",
        _r(_correlation),
        "this is the correlation, not R².",
        "1 - sum((effect - estimate)²) / sum((effect - mean)²).",
    ),
    Mistake(
        "what-is-missed",
        _r(_missed),
        "this is the share that is missed; R² is what is left of 1.",
        "Subtract it from 1.",
    ),
    Mistake(
        "roles-swapped",
        _r(lambda estimates, effects: _r_squared(effects, estimates)),
        "estimates and effects have changed places: the spread is that of the estimates.",
        "Divide by the spread of the effects.",
    ),
    Mistake(
        "not-centred",
        _r(_not_centred),
        "the spread is measured from zero.",
        "Take the mean of the effects away before you square.",
    ),
    Mistake(
        "unpaired",
        functools.partial(_agreement, unpaired=True),
        "estimates and effects are paired by their order. The two dictionaries need not have the same.",
        "Look each edge up by its label: estimates[edge].",
    ),
    Mistake(
        "signed-error",
        _furthest(lambda estimate, effect: effect - estimate),
        "the edges are sorted by the signed error: those that are far too small come last.",
        "Sort by abs(effect - estimate).",
    ),
    Mistake(
        "largest-effects",
        _furthest(lambda estimate, effect: -abs(effect)),
        "these are the edges with the largest effects.",
        "Sort by abs(effect - estimate).",
    ),
    Mistake(
        "largest-estimates",
        _furthest(lambda estimate, effect: -abs(estimate)),
        "these are the edges with the largest estimates.",
        "Sort by abs(effect - estimate).",
    ),
    Mistake(
        "nearest",
        _furthest(lambda estimate, effect: abs(effect - estimate)),
        "these are the edges whose estimates are best.",
        "Sort in falling order: reverse=True.",
    ),
    Mistake(
        "common-edges",
        functools.partial(_agreement, common=True),
        "edges without an estimate are passed over: what was not estimated cannot have been estimated well.",
        "`if estimates.keys() != effects.keys(): raise ValueError(…)`.",
    ),
    Mistake(
        "all-edges",
        functools.partial(_agreement, all=True),
        "all edges come back; wanted so many as `number` says.",
        "[:number].",
    ),
)
