"""Answers to chapter 1: repeating rows and the induction detector."""

from collections import defaultdict

import torch

from . import Bank
from .averages import (
    by_comprehension,
    head_before_layer,
    one_layer_short,
    pairs_of_numbers,
    threshold_of_its_own,
)
from .detectors import labels_of, table_of

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# find_repeating_rows
@right("find_repeating_rows")
def remembers_the_last(tokens):
    last, rows = {}, {}
    for position, token in enumerate(tokens[0].tolist()):
        if token in last:
            rows[position] = last[token]
        last[token] = position
    return rows


@right("find_repeating_rows")
def searches_backwards(tokens):
    ids, rows = tokens.squeeze(0).tolist(), {}
    for later in range(len(ids)):
        for earlier in range(later - 1, -1, -1):
            if ids[earlier] == ids[later]:
                rows[later] = earlier
                break
    return rows


@right("find_repeating_rows")
def with_a_matrix(tokens):
    same = torch.tril(tokens == tokens.T, diagonal=-1)  # (later, earlier)
    where = torch.where(same, torch.arange(tokens.shape[1]), -1).amax(-1)
    return {later: earlier for later, earlier in enumerate(where.tolist()) if earlier >= 0}


@right("find_repeating_rows")
def lists_of_positions(tokens):
    seen = defaultdict(list)
    rows = defaultdict(int)
    for position in range(tokens.shape[-1]):
        token = int(tokens[0, position])
        if seen[token]:
            rows[position] = seen[token][-1]
        seen[token].append(position)
    return dict(rows)


@wrong("find_repeating_rows", "first-occurrence")
def index_finds_the_first(tokens):
    ids = tokens[0].tolist()
    return {p: ids.index(token) for p, token in enumerate(ids) if ids.index(token) < p}


@wrong("find_repeating_rows", "reversed")
def earlier_leads_to_later(tokens):
    return {earlier: later for later, earlier in remembers_the_last(tokens).items()}


@wrong("find_repeating_rows", "reversed")
def looks_for_the_next(tokens):
    ids = tokens[0].tolist()
    return {p: ids.index(token, p + 1) for p, token in enumerate(ids) if token in ids[p + 1 :]}


@wrong("find_repeating_rows", "position-0-missing")
def zero_is_false(tokens):
    last, rows = {}, {}
    for position, token in enumerate(tokens[0].tolist()):
        if last.get(token):
            rows[position] = last[token]
        last[token] = position
    return rows


@wrong("find_repeating_rows", "new-tokens-as-minus-1")
def minus_one_for_new(tokens):
    rows = remembers_the_last(tokens)
    return {p: rows.get(p, -1) for p in range(tokens.numel())}


@wrong("find_repeating_rows", "one-too-far")
def steps_on_already(tokens):
    return {later: earlier + 1 for later, earlier in remembers_the_last(tokens).items()}


@wrong("find_repeating_rows", "first-repeat-only")
def stops_at_the_second(tokens):
    rows, done = {}, set()
    for later, earlier in remembers_the_last(tokens).items():
        if (token := tokens[0, later].item()) not in done:
            rows[later] = earlier
            done.add(token)
    return rows


@wrong("find_repeating_rows", "nothing")
def walks_over_the_batch(tokens):
    last, rows = {}, {}
    for position, row in enumerate(tokens.tolist()):
        if tuple(row) in last:
            rows[position] = last[tuple(row)]
        last[tuple(row)] = position
    return rows


@right("find_repeating_rows")
def tensors_in_the_dictionary(tokens):
    return {later: torch.tensor(earlier) for later, earlier in remembers_the_last(tokens).items()}


@wrong("find_repeating_rows", "contract")
def tensors_as_keys(tokens):
    return {torch.tensor(later): earlier for later, earlier in remembers_the_last(tokens).items()}


@wrong("find_repeating_rows", "contract")
def list_of_pairs(tokens):
    return list(remembers_the_last(tokens).items())


# induction_attn_detector
def detect(cache, condition, threshold):
    return labels_of(table_of(cache, condition) >= threshold)


@right("induction_attn_detector")
def by_a_condition(cache, tokens, off_by_one=True, threshold=0.4):
    rows = remembers_the_last(tokens)
    shift = 1 if off_by_one else 0
    return by_comprehension(cache, lambda q, k: q in rows and k == rows[q] + shift, threshold)


@right("induction_attn_detector")
def by_indexing(cache, tokens, off_by_one=True, threshold=0.4):
    rows = searches_backwards(tokens)
    later, earlier = torch.tensor(list(rows)), torch.tensor(list(rows.values()))
    labels = []
    for layer in range(cache.model.cfg.n_layers):
        score = cache["pattern", layer][:, later, earlier + int(off_by_one)].mean(-1)
        labels += [f"L{layer}H{head}" for head, value in enumerate(score) if value >= threshold]
    return labels


@right("induction_attn_detector")
def by_loops(cache, tokens, off_by_one=True, threshold=0.4):
    rows, labels = with_a_matrix(tokens), []
    for head in range(cache.model.cfg.n_heads):
        for layer in range(cache.model.cfg.n_layers):
            pattern = cache["pattern", layer][head].double()
            values = [pattern[p, e + 1] if off_by_one else pattern[p, e] for p, e in rows.items()]
            if sum(values) / len(values) >= threshold:
                labels.append(f"L{layer}H{head}")
    return labels


def of_rows(rows_of, condition_of):
    """A detector from two parts: which rows, and which pairs count."""

    def detector(cache, tokens, off_by_one=True, threshold=0.4):
        return detect(cache, condition_of(rows_of(tokens), int(off_by_one)), threshold)

    return detector


def exact(rows, step):
    return lambda q, k: q in rows and k == rows[q] + step


def on_wrong_base(wrong_way):
    def detector(cache, tokens, off_by_one=True, threshold=0.4):
        return wrong_way(cache, exact(remembers_the_last(tokens), int(off_by_one)), threshold)

    return detector


for diagnosis, name, implementation in (
    ("off-by-one-inverted", "inverted", of_rows(remembers_the_last, lambda r, s: exact(r, 1 - s))),
    ("off-by-one-ignored", "always_one_on", of_rows(remembers_the_last, lambda r, s: exact(r, 1))),
    ("never-off-by-one", "always_the_copy", of_rows(remembers_the_last, lambda r, s: exact(r, 0))),
    ("one-before", "one_back", of_rows(remembers_the_last, lambda r, s: exact(r, -s))),
    ("first-occurrence", "first_copy", of_rows(index_finds_the_first, exact)),
    ("reversed", "the_wrong_way_round", of_rows(earlier_leads_to_later, exact)),
    (
        "query-moved",
        "moved_the_query",
        of_rows(remembers_the_last, lambda r, s: lambda q, k: q - s in r and k == r[q - s]),
    ),
    (
        "position-0-missing",
        "get_is_false",
        of_rows(
            remembers_the_last,
            lambda r, s: lambda q, k: bool(r.get(q)) and k == r[q] + s,
        ),
    ),
    ("threshold-ignored", "own_threshold", on_wrong_base(threshold_of_its_own)),
    ("labels-swapped", "swapped_labels", on_wrong_base(head_before_layer)),
    ("last-layer-missing", "layer_short", on_wrong_base(one_layer_short)),
    ("tuples", "tuples_of_numbers", on_wrong_base(pairs_of_numbers)),
):
    implementation.__name__ = name
    wrong("induction_attn_detector", diagnosis)(implementation)
