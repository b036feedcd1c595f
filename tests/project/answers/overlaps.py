"""Answers to chapter 7: how much two circuits share, and how much chance would share."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# jaccard
@right("jaccard")
def sets(circuit, other):
    one, two = set(circuit), set(other)
    return len(one & two) / len(one | two) if one | two else 1.0


@right("jaccard")
def by_inclusion_and_exclusion(circuit, other):
    one, two = set(circuit), set(other)
    both = sum(edge in two for edge in one)
    either = len(one) + len(two) - both
    return 1.0 if either == 0 else both / either


@right("jaccard")
def by_what_is_missing(circuit, other):
    either = frozenset(circuit).union(other)
    if not either:
        return 1.0
    return 1 - len(frozenset(circuit).symmetric_difference(other)) / len(either)


@wrong("jaccard", "counted")
def how_many(circuit, other):
    if not circuit and not other:
        return 1.0
    return float(len(set(circuit).intersection(other)))


@wrong("jaccard", "over-the-first")
def recall(circuit, other):
    if not circuit and not other:
        return 1.0
    one = set(circuit)
    return len([edge for edge in one if edge in other]) / len(one)


@wrong("jaccard", "dice")
def f_score(circuit, other):
    one, two = set(circuit), set(other)
    if not one and not two:
        return 1.0
    precision, recall = len(one & two) / len(two), len(one & two) / len(one)
    return 2 * precision * recall / (precision + recall) if one & two else 0.0


@wrong("jaccard", "repeats-counted")
def lists(circuit, other):
    if not circuit and not other:
        return 1.0
    shared = set(circuit) & set(other)
    return len(shared) / (len(circuit) + len(other) - len(shared))


@wrong("jaccard", "nothing-shares-nothing")
def never_divides_by_zero(circuit, other):
    one, two = set(circuit), set(other)
    return len(one & two) / max(1, len(one | two))


@wrong("jaccard", "distance")
def how_far_apart(circuit, other):
    return 1 - sets(circuit, other)


@wrong("jaccard", "raised")
def divides_by_nothing(circuit, other):
    return len(set(circuit) & set(other)) / len(set(circuit) | set(other))


# random_control
@right("random_control")
def row_by_row(circuit, size, edges, orders):
    rows = []
    for order in orders:
        control = [edges[i] for i in order[:size].tolist()]
        rows.append(sets(circuit, control))
    return torch.tensor(rows)


@right("random_control")
def all_at_once(circuit, size, edges, orders):
    inside = torch.tensor([edge in circuit for edge in edges])
    both = inside[orders[:, :size]].sum(dim=-1)
    return both / (len(set(circuit)) + size - both)


@right("random_control")
def by_masks(circuit, size, edges, orders):
    ours = torch.zeros(len(edges), dtype=torch.bool)
    ours[[edges.index(edge) for edge in circuit]] = True
    theirs = torch.zeros(orders.shape, dtype=torch.bool).scatter(1, orders[:, :size], True)
    return (ours & theirs).sum(1).float() / (ours | theirs).sum(1).float()


@wrong("random_control", "as-large-as-the-circuit")
def ignores_the_size(circuit, size, edges, orders):
    return row_by_row(circuit, len(circuit), edges, orders)


@wrong("random_control", "from-the-end")
def the_last_ones(circuit, size, edges, orders):
    return row_by_row(circuit, size, edges, orders.flip(-1))


@wrong("random_control", "in-the-models-order")
def the_same_control_each_time(circuit, size, edges, orders):
    return torch.tensor([sets(circuit, edges[:size]) for _ in orders])


@wrong("random_control", "places-swapped")
def ranks(circuit, size, edges, orders):
    return row_by_row(circuit, size, edges, orders.argsort(dim=-1))


@wrong("random_control", "over-the-control")
def share_of_the_control(circuit, size, edges, orders):
    return torch.tensor([sum(edges[i] in circuit for i in order[:size]) / size for order in orders])


@wrong("random_control", "contract")
def one_number(circuit, size, edges, orders):
    return row_by_row(circuit, size, edges, orders).mean()


# p_value
@right("p_value")
def one_more_draw(value, control):
    as_large = [draw for draw in control if draw >= value]
    return (len(as_large) + 1) / (len(control) + 1)


@right("p_value")
def by_tensor(value, control):
    draws = torch.tensor([*control, value], dtype=torch.float64)
    return (draws >= value).double().mean().item()


@right("p_value")
def by_rank(value, control):
    below = sum(1 for draw in sorted(control) if draw < value)
    return 1 - below / (1 + len(control))


@wrong("p_value", "share-of-controls")
def naive(value, control):
    return sum(draw >= value for draw in control) / len(control)


@wrong("p_value", "ties-left-out")
def strictly_larger(value, control):
    return (1 + len([draw for draw in control if draw > value])) / (1 + len(control))


@wrong("p_value", "other-side")
def percentile(value, control):
    return (1 + sum(value >= draw for draw in control)) / (1 + len(control))


@wrong("p_value", "complement")
def confidence(value, control):
    return 1 - one_more_draw(value, control)


@wrong("p_value", "one-too-few-below")
def over_the_controls(value, control):
    return (1 + sum(draw >= value for draw in control)) / len(control)


@wrong("p_value", "counted")
def how_many_reach_it(value, control):
    return 1.0 + sum(draw >= value for draw in control)
