"""The known wrong ways of chapter 6: faithfulness, CPR, CMD, circuits from scores."""

from patchbook.checking import Mistake
from patchbook.tests.specifications import circuit_scores as specifications


def _faithful(formula):
    """formula(circuit, empty, full): of means."""
    return lambda circuit, empty, full: formula(circuit.mean(), empty.mean(), full.mean()).item()


faithfulness = (
    Mistake(
        "mean-of-ratios",
        lambda circuit, empty, full: ((circuit - empty) / (full - empty)).mean().item(),
        "ratios are averaged: a prompt where the model hardly differs from nothing outweighs all others.",
        "Average first, each of the three; then divide once.",
    ),
    Mistake(
        "median-of-ratios",
        lambda circuit, empty, full: ((circuit - empty) / (full - empty)).median().item(),
        "this is the median of the prompts' own ratios.",
        "Average first, each of the three; then divide once.",
    ),
    Mistake(
        "empty-ignored",
        _faithful(lambda circuit, empty, full: circuit / full),
        "nothing at all scores more or less than 0: the empty circuit's score is not taken off.",
        "Subtract the mean of empty above and below.",
    ),
    Mistake(
        "empty-off-above-only",
        _faithful(lambda circuit, empty, full: (circuit - empty) / full),
        "the whole model does not score 1: the empty circuit is taken off above the line only.",
        "Subtract the mean of empty above and below.",
    ),
    Mistake(
        "upside-down",
        _faithful(lambda circuit, empty, full: (full - empty) / (circuit - empty)),
        "the ratio is upside down.",
        "The circuit stands above the line, the model below it.",
    ),
    Mistake(
        "what-is-missing",
        _faithful(lambda circuit, empty, full: (full - circuit) / (full - empty)),
        "this is the share that the circuit lacks: 0 for the whole model.",
        "Measure from the empty circuit: 0 for nothing, 1 for the whole model.",
    ),
    Mistake(
        "clipped",
        _faithful(lambda circuit, empty, full: ((circuit - empty) / (full - empty)).clamp(0, 1)),
        "the share is clipped to 1: a circuit can do more than the model.",
        "Leave it as it is.",
    ),
    Mistake(
        "difference",
        _faithful(lambda circuit, empty, full: full - circuit),
        "this is the gap in the metric's units; wanted a share.",
        "Divide by what the whole model does beyond nothing.",
    ),
)


def _steps(weigh):
    """The sum of weigh(width, left, right) over the steps of the grid."""

    def wrong(shares, f):
        x, y = shares.tolist(), f.tolist()
        return sum(weigh(x[i + 1] - x[i], y[i], y[i + 1]) for i in range(len(x) - 1))

    return wrong


def _below(shares, f):
    return specifications.cpr(shares, f)


def _width(shares):
    return (shares[-1] - shares[0]).item()


cpr = (
    Mistake(
        "mean",
        lambda shares, f: f.mean().item(),
        "this is the mean of f: the grid's steps are not equally wide.",
        "Weigh each step with its width: x[i + 1] - x[i].",
    ),
    Mistake(
        "left-edges",
        _steps(lambda width, left, right: width * left),
        "each step counts with its left value.",
        "Join the points by straight lines: the mean of the left and the right value.",
    ),
    Mistake(
        "right-edges",
        _steps(lambda width, left, right: width * right),
        "each step counts with its right value.",
        "Join the points by straight lines: the mean of the left and the right value.",
    ),
    Mistake(
        "not-halved",
        _steps(lambda width, left, right: width * (left + right)),
        "left and right value are added, not averaged.",
        "Divide their sum by 2.",
    ),
    Mistake(
        "equal-steps",
        lambda shares, f: ((f[1:] + f[:-1]) / 2).mean().item(),
        "all steps count the same, whatever their width.",
        "Weigh each step with its width: x[i + 1] - x[i].",
    ),
    Mistake(
        "clipped",
        lambda shares, f: _below(shares, f.clamp(max=1)),
        "f is clipped to 1.",
        "Leave f as it is: CPR rewards more than 1.",
    ),
    Mistake(
        "from-one",
        lambda shares, f: specifications.cmd(shares, f),
        "this is the area between f and 1: CMD.",
        "CPR is the area below f.",
    ),
    Mistake(
        "above",
        lambda shares, f: _width(shares) - _below(shares, f),
        "this is the area above f, up to 1.",
        "CPR is the area below f.",
    ),
    Mistake(
        "divided-by-width",
        lambda shares, f: _below(shares, f) / _width(shares),
        "the area is divided by the grid's width.",
        "Return the area itself.",
    ),
)

cmd = (
    Mistake(
        "sides-cancel",
        lambda shares, f: _width(shares) - _below(shares, f),
        "what f has above 1 cancels what it lacks below: a curve that swings about 1 would score 0.",
        "Take abs() of 1 - f before the area.",
    ),
    Mistake(
        "size-of-the-area",
        lambda shares, f: abs(_width(shares) - _below(shares, f)),
        "the size is taken of the whole area: above and below 1 cancel before it.",
        "Take abs() of 1 - f at each size, then the area.",
    ),
    Mistake(
        "below-one-only",
        lambda shares, f: _below(shares, (1 - f).clamp(min=0)),
        "what lies above 1 does not count.",
        "Take abs() of 1 - f: too much is as far off as too little.",
    ),
    Mistake(
        "squared",
        lambda shares, f: _below(shares, (1 - f) ** 2),
        "the distances are squared.",
        "Take abs() of 1 - f.",
    ),
    Mistake("under-f", _below, "this is the area below f: CPR.", "CMD is the area between f and 1."),
    Mistake(
        "mean",
        lambda shares, f: (1 - f).abs().mean().item(),
        "this is a mean over the sizes: the grid's steps are not equally wide.",
        "Weigh each step with its width.",
    ),
    Mistake(
        "left-edges",
        lambda shares, f: _steps(lambda width, left, right: width * left)(shares, (1 - f).abs()),
        "each step counts with its left value.",
        "Join the points by straight lines: the mean of the left and the right value.",
    ),
    Mistake(
        "right-edges",
        lambda shares, f: _steps(lambda width, left, right: width * right)(shares, (1 - f).abs()),
        "each step counts with its right value.",
        "Join the points by straight lines: the mean of the left and the right value.",
    ),
)


def _chosen(rank, prune):
    """The n best by rank(score), pruned by prune(edges)."""

    def wrong(scores, n):
        return prune(sorted(scores, key=lambda edge: rank(scores[edge]), reverse=True)[:n])

    return wrong


def _pruned(edges, begin=True, end=True, whole_labels=False, rounds=None):
    """rounds: how often edges are looked through; None is until nothing changes."""
    kept = list(edges)
    for _ in range(rounds or len(kept)):
        pairs = [edge.split(" -> ") for edge in kept]
        name = (lambda receiver: receiver) if whole_labels else (lambda receiver: receiver.split(".")[0])
        spoken_to = {"embedding", *(name(receiver) for _, receiver in pairs)}
        heard = {"logits", *(sender for sender, _ in pairs)}
        kept = [
            edge
            for edge, (sender, receiver) in zip(kept, pairs, strict=True)
            if (sender in spoken_to or not begin) and (name(receiver) in heard or not end)
        ]
    return kept


def _filled_up(scores, n):
    """Takes more edges until n are left after pruning."""
    order = sorted(scores, key=lambda edge: abs(scores[edge]), reverse=True)
    for taken in range(n, len(order) + 1):
        if len(_pruned(order[:taken])) >= n:
            return _pruned(order[:taken])
    return _pruned(order)


circuit_from_scores = (
    Mistake(
        "not-pruned",
        _chosen(abs, list),
        "edges stay that lead nowhere, or come from nowhere.",
        "Remove edges whose sender hears nothing, and edges into nodes that nobody hears.",
    ),
    Mistake(
        "signed",
        _chosen(lambda score: score, _pruned),
        "large negative scores are left out: an edge that works against the answer matters, too.",
        "Sort by abs() of the score.",
    ),
    Mistake(
        "smallest",
        _chosen(lambda score: -abs(score), _pruned),
        "these are the smallest scores.",
        "Sort with reverse=True.",
    ),
    Mistake(
        "once",
        _chosen(abs, lambda edges: _pruned(edges, rounds=1)),
        "the edges are looked through once: removing one can make the one before it a dead end.",
        "Repeat until nothing changes.",
    ),
    Mistake(
        "ends-kept",
        _chosen(abs, lambda edges: _pruned(edges, end=False)),
        "edges stay whose receiver nobody hears.",
        "An edge into a node that sends nothing on is a dead end.",
    ),
    Mistake(
        "beginnings-kept",
        _chosen(abs, lambda edges: _pruned(edges, begin=False)),
        "edges stay whose sender hears nothing.",
        "An edge from a node that hears nothing is no part of a path from the embedding.",
    ),
    Mistake(
        "letters-compared",
        _chosen(abs, lambda edges: _pruned(edges, whole_labels=True)),
        "a head as receiver, such as L1H2.q, is not recognised as the sender L1H2.",
        'The node of a receiver is `receiver.split(".")[0]`.',
    ),
    Mistake(
        "filled-up",
        _filled_up,
        "more edges are taken until n are left after pruning.",
        "Take n edges, then prune: fewer may be left.",
    ),
)
