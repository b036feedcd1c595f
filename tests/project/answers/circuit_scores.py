"""Answers to chapter 6: faithfulness, CPR, CMD, circuits from scores."""

import numpy as np
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# faithfulness
@right("faithfulness")
def means_then_one_ratio(circuit, empty, full):
    return ((circuit.mean() - empty.mean()) / (full.mean() - empty.mean())).item()


@right("faithfulness")
def sums_do_as_well(circuit, empty, full):
    return float((circuit - empty).sum() / (full - empty).sum())


@right("faithfulness")
def in_numpy(circuit, empty, full):
    c, e, f = (np.mean(x.numpy()) for x in (circuit, empty, full))
    return (c - e) / (f - e)


@wrong("faithfulness", "mean-of-ratios")
def prompt_by_prompt(circuit, empty, full):
    ratios = [(c - e) / (f - e) for c, e, f in zip(circuit, empty, full, strict=True)]
    return float(sum(ratios) / len(ratios))


@wrong("faithfulness", "empty-ignored")
def share_of_the_model(circuit, empty, full):
    return float(circuit.sum() / full.sum())


@wrong("faithfulness", "empty-off-above-only")
def half_of_it(circuit, empty, full):
    return float((circuit - empty).sum() / full.sum())


@wrong("faithfulness", "what-is-missing")
def one_minus(circuit, empty, full):
    return 1 - means_then_one_ratio(circuit, empty, full)


@wrong("faithfulness", "clipped")
def at_most_one(circuit, empty, full):
    return min(1.0, means_then_one_ratio(circuit, empty, full))


@wrong("faithfulness", "contract")
def one_for_each_prompt(circuit, empty, full):
    return (circuit - empty) / (full - empty)


# cpr
@right("cpr")
def trapezoids(shares, f):
    return ((shares[1:] - shares[:-1]) * (f[1:] + f[:-1]) / 2).sum().item()


@right("cpr")
def torchs_own(shares, f):
    return torch.trapezoid(f, shares).item()


@right("cpr")
def in_a_loop(shares, f):
    area = 0.0
    for i in range(1, len(f)):
        area += (shares[i] - shares[i - 1]) * 0.5 * (f[i] + f[i - 1])
    return area


@wrong("cpr", "mean")
def the_mean(shares, f):
    return float(f.sum() / len(f))


@wrong("cpr", "left-edges")
def boxes_from_the_left(shares, f):
    return float(shares.diff() @ f[:-1])


@wrong("cpr", "right-edges")
def boxes_from_the_right(shares, f):
    return float(shares.diff() @ f[1:])


@wrong("cpr", "clipped")
def no_more_than_one(shares, f):
    return torchs_own(shares, torch.minimum(f, torch.ones(())))


@wrong("cpr", "from-one")
def distance_from_one(shares, f):
    return torchs_own(shares, (f - 1).abs())


@wrong("cpr", "not-halved")
def both_ends(shares, f):
    return 2 * torchs_own(shares, f)


@wrong("cpr", "equal-steps")
def grid_ignored(shares, f):
    return torch.trapezoid(f).item() / (len(f) - 1)


# cmd
@right("cmd")
def trapezoids_of_distances(shares, f):
    return trapezoids(shares, (1 - f).abs())


@right("cmd")
def torchs_own_of_distances(shares, f):
    return torch.trapezoid(torch.where(f > 1, f - 1, 1 - f), shares).item()


@right("cmd")
def numpys_own(shares, f):
    return np.trapezoid(np.abs(1 - f.numpy()), shares.numpy())


@wrong("cmd", "sides-cancel")
def one_minus_cpr(shares, f):
    return float(shares[-1] - shares[0]) - trapezoids(shares, f)


@wrong("cmd", "below-one-only")
def what_is_lacking(shares, f):
    return trapezoids(shares, torch.relu(1 - f))


@wrong("cmd", "squared")
def squares(shares, f):
    return trapezoids(shares, (f - 1).pow(2))


@wrong("cmd", "under-f")
def cpr_again(shares, f):
    return trapezoids(shares, f)


@wrong("cmd", "mean")
def mean_distance(shares, f):
    return float((f - 1).abs().mean())


# circuit_from_scores
def top(scores, n, key=abs):
    return set(sorted(scores, key=lambda edge: -key(scores[edge]))[:n])


def ends(edge):
    sender, receiver = edge.split(" -> ")
    return sender, receiver.partition(".")[0]


def trimmed(edges, rounds=100, front=True, back=True):
    for _ in range(rounds):
        senders, receivers = ({ends(edge)[i] for edge in edges} for i in (0, 1))
        edges = {
            edge
            for edge in edges
            if (ends(edge)[0] in receivers | {"embedding"} or not front)
            and (ends(edge)[1] in senders | {"logits"} or not back)
        }
    return edges


@right("circuit_from_scores")
def trimmed_until_it_stays(scores, n):
    return list(trimmed(top(scores, n)))


@right("circuit_from_scores")
def reached_from_both_ends(scores, n):
    edges = sorted(top(scores, n))

    def reached(start, here, there):
        found, new = set(), {start}
        while new:
            found |= new
            new = {ends(e)[there] for e in edges if ends(e)[here] in found} - found
        return found

    forward, back = reached("embedding", 0, 1), reached("logits", 1, 0)
    return [edge for edge in edges if ends(edge)[0] in forward and ends(edge)[1] in back]


@right("circuit_from_scores")
def one_dead_end_at_a_time(scores, n):
    edges = list(top(scores, n))
    while True:
        dead = [
            e
            for e in edges
            if (ends(e)[0] != "embedding" and not any(ends(o)[1] == ends(e)[0] for o in edges))
            or (ends(e)[1] != "logits" and not any(ends(o)[0] == ends(e)[1] for o in edges))
        ]
        if not dead:
            return edges
        edges.remove(dead[0])


@wrong("circuit_from_scores", "not-pruned")
def the_top_n(scores, n):
    return list(top(scores, n))


@wrong("circuit_from_scores", "signed")
def the_most_positive(scores, n):
    return list(trimmed(top(scores, n, key=float)))


@wrong("circuit_from_scores", "once")
def one_round(scores, n):
    return list(trimmed(top(scores, n), rounds=1))


@wrong("circuit_from_scores", "ends-kept")
def from_the_embedding_only(scores, n):
    return list(trimmed(top(scores, n), back=False))


@wrong("circuit_from_scores", "beginnings-kept")
def to_the_logits_only(scores, n):
    return list(trimmed(top(scores, n), front=False))


@wrong("circuit_from_scores", "smallest")
def ascending(scores, n):
    return list(trimmed(top(scores, n, key=lambda score: -abs(score))))
