"""Answers to chapter 1: the three detectors."""

import torch

from . import Bank
from .averages import (
    boolean_mask,
    by_comprehension,
    head_before_layer,
    one_layer_short,
    pairs_of_numbers,
    threshold_of_its_own,
    with_a_dot,
)

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


DETECTORS = ("current_attn_detector", "prev_attn_detector", "first_attn_detector")
CONDITIONS = dict(
    zip(DETECTORS, (lambda q, k: k == q, lambda q, k: k == q - 1, lambda q, k: k == 0), strict=True)
)


def table_of(cache, condition):
    return torch.stack(
        [boolean_mask(cache["pattern", layer], condition) for layer in range(cache.model.cfg.n_layers)]
    )


def labels_of(found):
    return [f"L{layer}H{head}" for layer, head in found.nonzero().tolist()]


@right("current_attn_detector")
def current_by_a_condition(cache, threshold=0.4):
    return by_comprehension(cache, lambda query, key: query == key, threshold)


@right("current_attn_detector")
def current_by_diagonal(cache, threshold=0.4):
    layers = [cache["pattern", layer] for layer in range(cache.model.cfg.n_layers)]
    return labels_of(torch.stack(layers).diagonal(dim1=-2, dim2=-1).mean(-1) >= threshold)


@right("current_attn_detector")
def current_by_einsum(cache, threshold=0.4):
    labels = []
    for layer in range(cache.model.cfg.n_layers):
        pattern = cache["pattern", layer]
        trace = torch.einsum("hqq->h", pattern) / pattern.shape[-1]
        labels += [f"L{layer}H{head}" for head in range(len(trace)) if trace[head] >= threshold]
    return labels


@right("prev_attn_detector")
def previous_by_a_condition(cache, threshold=0.4):
    return by_comprehension(cache, lambda query, key: query - key == 1, threshold)


@right("prev_attn_detector")
def previous_by_diagonal(cache, threshold=0.4):
    layers = [cache["pattern", layer] for layer in range(cache.model.cfg.n_layers)]
    return labels_of(torch.stack(layers).diagonal(-1, -2, -1).mean(-1) >= threshold)


@right("prev_attn_detector")
def previous_by_indices(cache, threshold=0.4):
    labels = []
    for layer in range(cache.model.cfg.n_layers):
        for head, pattern in enumerate(cache["pattern", layer].double()):
            queries = torch.arange(1, len(pattern))
            if pattern[queries, queries - 1].mean().item() >= threshold:
                labels.append(f"L{layer}H{head}")
    return labels


@right("first_attn_detector")
def first_by_a_condition(cache, threshold=0.4):
    return by_comprehension(cache, lambda query, key: not key, threshold)


@right("first_attn_detector")
def first_by_column(cache, threshold=0.4):
    layers = [cache["pattern", layer][:, :, 0] for layer in range(cache.model.cfg.n_layers)]
    return labels_of(torch.stack(layers).mean(-1) >= threshold)


@right("first_attn_detector")
def first_by_sums(cache, threshold=0.4):
    labels = []
    for layer in range(cache.model.cfg.n_layers):
        for head, pattern in enumerate(cache["pattern", layer].tolist()):
            if sum(row[0] for row in pattern) / len(pattern) >= threshold:
                labels.append(f"L{layer}H{head}")
    return labels


def another_condition(condition):
    return lambda cache, threshold=0.4: by_comprehension(cache, condition, threshold)


def built_on(exercise, wrong_way):
    """A detector that is right but for what it calls."""
    condition = CONDITIONS[exercise]
    return lambda cache, threshold=0.4: wrong_way(cache, condition, threshold)


def add_wrong(exercise, diagnosis, name, implementation):
    implementation.__name__ = name
    wrong(exercise, diagnosis)(implementation)


for detector in DETECTORS:
    add_wrong(detector, "labels-swapped", "swaps_labels", built_on(detector, head_before_layer))
    add_wrong(detector, "label-format", "dots_in_labels", built_on(detector, with_a_dot))
    add_wrong(detector, "tuples", "gives_tuples", built_on(detector, pairs_of_numbers))
    add_wrong(
        detector, "threshold-ignored", "forgets_the_threshold", built_on(detector, threshold_of_its_own)
    )
    add_wrong(detector, "last-layer-missing", "misses_a_layer", built_on(detector, one_layer_short))
    add_wrong(detector, "finds-nothing" if detector != "prev_attn_detector" else "next-token", "looks_ahead",
              another_condition(lambda q, k: k == q + 1))  # fmt: skip

for detector, diagnosis, name, condition in (
    ("current_attn_detector", "previous-token", "took_the_previous", lambda q, k: k == q - 1),
    ("current_attn_detector", "first-query-missing", "left_out_bos", lambda q, k: k == q and q != 0),
    ("prev_attn_detector", "current-token", "took_the_current", lambda q, k: k == q),
    ("prev_attn_detector", "two-back", "went_two_back", lambda q, k: k + 2 == q),
    ("prev_attn_detector", "all-earlier", "took_all_before", lambda q, k: k <= q - 1),
    ("first_attn_detector", "second-token", "counted_from_one", lambda q, k: k == 1),
    ("first_attn_detector", "first-query-missing", "only_later_queries", lambda q, k: k == 0 and q > 0),
    ("first_attn_detector", "finds-nothing", "asked_the_first_query", lambda q, k: q == 0),
    ("first_attn_detector", "previous-token", "kept_the_last_condition", lambda q, k: k == q - 1),
):
    add_wrong(detector, diagnosis, name, another_condition(condition))


@wrong("prev_attn_detector", "divided-by-length")
def wrapped_around(cache, threshold=0.4):
    layers = torch.stack([cache["pattern", layer] for layer in range(cache.model.cfg.n_layers)])
    length = layers.shape[-1]
    return labels_of(sum(layers[:, :, q, q - 1] for q in range(length)) / length >= threshold)
