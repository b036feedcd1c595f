"""The known wrong ways of chapter 7: how much two circuits share, and how much chance would share."""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import overlaps as specifications


def _share(formula):
    """formula(both, one, two): the sizes of the intersection and of both circuits, as sets."""

    def wrong(circuit, other):
        one, two = {*circuit}, {*other}
        if not one and not two:
            return 1.0
        return float(formula(len(one & two), len(one), len(two)))

    return wrong


def _repeated(circuit, other):
    both = len({*circuit} & {*other})
    either = len(circuit) + len(other) - both
    return both / either if either else 1.0


def _zero_for_nothing(circuit, other):
    return specifications.jaccard(circuit, other) if circuit or other else 0.0


jaccard = (
    Mistake(
        "counted",
        _share(lambda both, one, two: both),
        "this is how many edges are in both; wanted a share.",
        "Divide by the number of edges that are in one circuit or the other.",
    ),
    Mistake(
        "over-the-first",
        _share(lambda both, one, two: both / max(one, 1)),
        "this is the share of the first circuit that is in the second: a large second one has everything.",
        "Divide by the number of edges in either. Then it is the same both ways round.",
    ),
    Mistake(
        "over-the-second",
        _share(lambda both, one, two: both / max(two, 1)),
        "this is the share of the second circuit that is in the first: a large first one has everything.",
        "Divide by the number of edges in either. Then it is the same both ways round.",
    ),
    Mistake(
        "over-the-smaller",
        _share(lambda both, one, two: both / max(min(one, two), 1)),
        "it is divided by the smaller circuit: one edge inside a circuit of a hundred would score 1.",
        "Divide by the number of edges in either.",
    ),
    Mistake(
        "over-the-larger",
        _share(lambda both, one, two: both / max(one, two)),
        "it is divided by the larger circuit.",
        "What is in the smaller circuit alone counts, too: divide by the number of edges in either.",
    ),
    Mistake(
        "dice",
        _share(lambda both, one, two: 2 * both / (one + two)),
        "this is Dice's coefficient: what is shared counts twice.",
        "Divide the edges in both by the edges in either, each counted once.",
    ),
    Mistake(
        "over-the-sum",
        _share(lambda both, one, two: both / (one + two)),
        "edges in both circuits are counted twice below the line: two equal circuits would score a half.",
        "Take the union of the two sets.",
    ),
    Mistake(
        "distance",
        lambda circuit, other: 1 - specifications.jaccard(circuit, other),
        "this is how much they do not share: 0 for two equal circuits.",
        "Wanted 1 for two equal circuits, 0 for two that share nothing.",
    ),
    Mistake(
        "repeats-counted",
        _repeated,
        "an edge that is listed twice counts twice.",
        "A circuit is a set: set(circuit) has each edge once.",
    ),
    Mistake(
        "nothing-shares-nothing",
        _zero_for_nothing,
        "two empty circuits score 0, though they are the same circuit.",
        "Where neither has an edge, return 1.0.",
    ),
)


def _against(choose):
    """Overlaps with what choose(circuit, size, edges, order) takes for the control."""

    def wrong(circuit, size, edges, orders):
        controls = (choose(circuit, size, edges, order) for order in orders.tolist())
        return torch.tensor([specifications.jaccard(circuit, control) for control in controls])

    return wrong


def _over_size(circuit, size, edges, orders):
    controls = [{edges[place] for place in order[:size]} for order in orders.tolist()]
    return torch.tensor([len(control & {*circuit}) / size for control in controls])


random_control = (
    Mistake(
        "as-large-as-the-circuit",
        _against(lambda circuit, size, edges, order: [edges[i] for i in order[: len(circuit)]]),
        "the control is as large as the circuit; wanted `size` edges.",
        "The control stands for the other circuit, so it has the other's size.",
    ),
    Mistake(
        "from-the-end",
        _against(lambda circuit, size, edges, order: [edges[i] for i in order[-size:]]),
        "these are the last edges of each order.",
        "Take the first `size` of each row of orders.",
    ),
    Mistake(
        "in-the-models-order",
        _against(lambda circuit, size, edges, order: edges[:size]),
        "every control is the model's first edges: the orders are not used.",
        "Row by row: edges[order[0]], edges[order[1]], and so on.",
    ),
    Mistake(
        "places-swapped",
        _against(lambda circuit, size, edges, order: [edges[order.index(i)] for i in range(size)]),
        "the order is read backwards: as edge -> place, not place -> edge.",
        "The first edge of a control is edges[order[0]].",
    ),
    Mistake(
        "outside-alone",
        _against(
            lambda circuit, size, edges, order: [edges[i] for i in order if edges[i] not in circuit][:size]
        ),
        "the control is drawn from the edges outside the circuit: then chance can never share an edge.",
        "Draw from all edges. How much chance shares is the question.",
    ),
    Mistake(
        "over-the-control",
        _over_size,
        "this is the share of the control that lies in the circuit.",
        "Use the overlap of the last exercise: edges in both over edges in either.",
    ),
    Mistake(
        "mean-everywhere",
        lambda *given: torch.full((len(given[3]),), specifications.random_control(*given).mean().item()),
        "all draws have the same overlap, their mean.",
        "Return one overlap for each draw: their spread is what the real overlap is held against.",
    ),
)


def _at_least(value, control):
    return sum(draw >= value for draw in control)


def _z_score(value, control):
    draws = torch.tensor(control)
    return ((value - draws.mean()) / draws.std()).item()


def _two_sided(value, control):
    middle = sum(control) / len(control)
    return (1 + sum(abs(draw - middle) >= abs(value - middle) for draw in control)) / (1 + len(control))


p_value = (
    Mistake(
        "share-of-controls",
        lambda value, control: _at_least(value, control) / len(control),
        "this is the share of the controls. Where none reaches the value it is 0: no draws can show that.",
        "Count the value itself as one more draw, above and below the line.",
    ),
    Mistake(
        "one-too-few-below",
        lambda value, control: (1 + _at_least(value, control)) / len(control),
        "the value is counted above the line, but not below it.",
        "There are as many draws as controls, and one more.",
    ),
    Mistake(
        "one-too-few-above",
        lambda value, control: _at_least(value, control) / (1 + len(control)),
        "the value is counted below the line, but not above it.",
        "The value is at least as large as itself: add 1 above, too.",
    ),
    Mistake(
        "ties-left-out",
        lambda value, control: (1 + sum(draw > value for draw in control)) / (1 + len(control)),
        "controls that are equal to the value are not counted.",
        "Chance did as well there: use `>=`.",
    ),
    Mistake(
        "other-side",
        lambda value, control: (1 + sum(draw <= value for draw in control)) / (1 + len(control)),
        "this counts the controls that are at most as large as the value.",
        "Count those that do as well or better: a small number speaks against chance.",
    ),
    Mistake(
        "complement",
        lambda value, control: 1 - (1 + _at_least(value, control)) / (1 + len(control)),
        "this is 1 less the p-value.",
        "A value above all controls has a small one.",
    ),
    Mistake(
        "two-sided",
        _two_sided,
        "controls far below count, too.",
        "Only a large overlap is a finding here: count the controls at or above the value.",
    ),
    Mistake(
        "z-score",
        _z_score,
        "this is how many standard deviations the value lies above the controls.",
        "Count controls instead. Nobody promised that they are normally distributed.",
    ),
    Mistake(
        "counted",
        lambda value, control: float(1 + _at_least(value, control)),
        "this is a number of draws; wanted a share.",
        "Divide by all draws: the controls and the value.",
    ),
)
