"""Wrong ways shared by everything that returns head labels, as rows (id, wrong, what, next).

Here `wrong` takes (cache, condition, threshold).
"""

from collections.abc import Callable

import torch


def pairs_of(tensor, condition):
    """Which pairs the condition picks: (query, key)."""
    length = tensor.shape[-1]
    return torch.tensor([[bool(condition(q, k)) for k in range(length)] for q in range(length)])


def found(cache, keep: Callable, label: Callable = "L{}H{}".format, layers=slice(None)) -> list:
    """The labels of the heads whose pattern (query, key) passes `keep`."""
    return [
        label(layer, head)
        for layer in range(cache.model.cfg.n_layers)[layers]
        for head, pattern in enumerate(cache["pattern", layer])
        if keep(pattern)
    ]


def _mean(pattern, condition):
    return pattern[pairs_of(pattern, condition)].mean()


def detect(cache, condition, threshold, **options):
    return found(cache, lambda pattern: _mean(pattern, condition) >= threshold, **options)


def detect_sum(cache, condition, threshold):
    return found(cache, lambda pattern: pattern[pairs_of(pattern, condition)].sum() >= threshold)


def detect_in_all_pairs(cache, condition, threshold):
    return found(cache, lambda pattern: (pattern * pairs_of(pattern, condition)).mean() >= threshold)


def detect_per_query(cache, condition, threshold):
    return found(cache, lambda p: (p * pairs_of(p, condition)).sum() / len(p) >= threshold)


def detect_largest(cache, condition, threshold):
    return found(cache, lambda pattern: pattern[pairs_of(pattern, condition)].max() >= threshold)


LABEL_ROWS = (
    (
        "labels-swapped",
        lambda cache, condition, threshold: detect(cache, condition, threshold, label="L{1}H{0}".format),
        "layer and head have changed places in the labels.",
        'Layer first: f"L{layer}H{head}".',
    ),
    (
        "label-format",
        lambda cache, condition, threshold: detect(cache, condition, threshold, label="{}.{}".format),
        'the labels look like "0.3"; wanted "L0H3".',
        'Write f"L{layer}H{head}".',
    ),
    (
        "tuples",
        lambda cache, condition, threshold: detect(
            cache, condition, threshold, label=lambda layer, head: (layer, head)
        ),
        "the list holds pairs of numbers; wanted labels, which are strings.",
        'Turn each pair into f"L{layer}H{head}".',
    ),
    (
        "counted-from-1",
        lambda cache, condition, threshold: detect(
            cache, condition, threshold, label=lambda layer, head: f"L{layer + 1}H{head + 1}"
        ),
        "layers and heads are counted from 1 in the labels; wanted from 0.",
        "The first head of the first layer is L0H0.",
    ),
    (
        "last-layer-missing",
        lambda cache, condition, threshold: detect(cache, condition, threshold, layers=slice(-1)),
        "the last layer is never looked at.",
        "range(cache.model.cfg.n_layers) goes through all layers: it ends one before its argument.",
    ),
    (
        "first-layer-missing",
        lambda cache, condition, threshold: detect(cache, condition, threshold, layers=slice(1, None)),
        "layer 0 is never looked at.",
        "Layers are counted from 0.",
    ),
    (
        "first-layer-only",
        lambda cache, condition, threshold: detect(cache, condition, threshold, layers=slice(1)),
        "only layer 0 is looked at.",
        "Is the `return` inside the loop over layers? Move it behind the loop.",
    ),
    (
        "threshold-ignored",
        lambda cache, condition, threshold: detect(cache, condition, 0.4),
        "the threshold is always 0.4, whatever the argument says.",
        "Compare with the argument `threshold`, and hand it on where you call another function.",
    ),
    (
        "below-threshold",
        lambda cache, condition, threshold: found(cache, lambda p: _mean(p, condition) < threshold),
        "these are the heads below the threshold; wanted those that reach it.",
        "Keep a head when its average is >= threshold.",
    ),
    (
        "sum-not-mean",
        detect_sum,
        "the sum of the pattern is compared with the threshold; wanted its mean over the chosen pairs.",
        "Divide by the number of pairs where the condition holds, as average_over_condition does.",
    ),
    (
        "all-pairs",
        detect_in_all_pairs,
        "the average runs over all pairs, the others counting as 0; wanted only the chosen pairs.",
        "Divide by the number of pairs where the condition holds, as average_over_condition does.",
    ),
    (
        "largest-not-mean",
        detect_largest,
        "one large value is enough to be listed; wanted the mean over the chosen pairs.",
        "Compare the mean of the chosen pairs with the threshold, not each value or the largest.",
    ),
)


FINDS_NOTHING = (
    "finds-nothing",
    lambda cache, *others, **named: [],
    "no head is ever listed.",
    "Print one layer's averages. If all are near 0: are query and key swapped (no query can look ahead), "
    "or does the mean run over all pairs instead of the chosen ones?",
)


def _every_head(cache, *others, **named):
    return found(cache, lambda pattern: True)


LISTS_ALL = (
    "lists-every-head",
    _every_head,
    "every head is listed, whatever its pattern.",
    "Print one layer's averages. Is one above 1? Then it is a sum (wanted a mean), or else one value that is "
    "always 1: position 0 can only look at itself.",
)
