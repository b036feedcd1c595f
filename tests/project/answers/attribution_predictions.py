"""Answers to chapter 5: what is saved, and an edge where one gradient is not enough."""

import functools

import torch

from patchbook import load_model
from patchbook.patching.graph import Graph
from patchbook.prompts.ioi import published_prompts

from . import Bank
from .edge_scores import attribution, integrated, patching

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# my_share_saved: a function stands for the number it returns
@right("my_share_saved")
def by_counting(*_):
    return sum(layer for layer in range(12)) / 144


@right("my_share_saved")
def as_a_fraction(*_):
    return 11 / 24


@right("my_share_saved")
def rounded(*_):
    return 0.46


@wrong("my_share_saved", "what-remains")
def that_still_runs(*_):
    return 78 / 144


@wrong("my_share_saved", "percent")
def in_percent(*_):
    return 45.8


@wrong("my_share_saved", "one-half")
def about_half(*_):
    return 0.5


@wrong("my_share_saved", "one-patch")
def of_the_last_layer(*_):
    return 11 / 12


@wrong("my_share_saved", "other-share")
def a_third(*_):
    return 1 / 3


@wrong("my_share_saved", "not-a-number")
def in_words(*_):
    return "about half"


@wrong("my_share_saved", "not-written")
def share_left_open(*_):
    raise NotImplementedError("exercise my_share_saved")


# my_speedup
@right("my_speedup")
def by_halves(*_):
    return (144 / 78) * (225 / 120)


@right("my_speedup")
def to_one_digit(*_):
    return 3.5


@right("my_speedup")
def by_means(*_):
    return 12 * 15 / (6.5 * 8)


@wrong("my_speedup", "four")
def twice_two(*_):
    return 4


@wrong("my_speedup", "layers-only")
def one_cut(*_):
    return 144 / 78


@wrong("my_speedup", "share")
def what_is_left(*_):
    return (78 / 144) * (120 / 225)


@wrong("my_speedup", "added")
def sum_of_both(*_):
    return 144 / 78 + 225 / 120


@wrong("my_speedup", "other-factor")
def ten(*_):
    return 10.0


@wrong("my_speedup", "not-a-number")
def a_truth(*_):
    return True


@wrong("my_speedup", "not-written")
def speedup_left_open(*_):
    raise NotImplementedError("exercise my_speedup")


# my_wrong_edge
@functools.cache
def task():
    model = load_model()
    prompts = published_prompts(model.tokenizer)
    right_tokens, wrong_tokens = prompts.answer_tokens.T
    rows = torch.arange(len(prompts))

    def metric(logits):
        return (logits[rows, -1, right_tokens] - logits[rows, -1, wrong_tokens]).mean()

    return model, prompts.toks, prompts.toks[rows ^ 1], metric


@functools.cache
def far_apart():
    """Of the twelve edges whose two estimates are furthest apart, those first where EAP-IG mends most."""
    with torch.no_grad():
        once, along = attribution(*task()), integrated(*task(), 6)
        some = sorted(once, key=lambda edge: -abs(once[edge] - along[edge]))[:12]
        effects = patching(*task(), some)
    gains = {e: abs(once[e] - effects[e]) - abs(along[e] - effects[e]) for e in some}
    return sorted(gains, key=gains.get, reverse=True)


@right("my_wrong_edge")
def the_largest_gain(*_):
    return far_apart()[0]


@right("my_wrong_edge")
def the_second_largest(*_):
    return far_apart()[1]


@right("my_wrong_edge")
def spelled_by_the_graph(*_):
    return Graph.of(task()[0]).edge(far_apart()[0]).label


@wrong("my_wrong_edge", "too-small")
def where_little_is_wrong(*_):
    return "L2H4 -> L3H4.q"


@wrong("my_wrong_edge", "not-mended")
def where_half_is_still_missed(*_):
    return "L1H3 -> L2H4.v"


@wrong("my_wrong_edge", "made-worse")
def where_the_way_is_worse(*_):
    return "embedding -> L0H1.v"


@wrong("my_wrong_edge", "no-such-edge")
def backwards(*_):
    return "L1H0 -> L0H0.q"


@wrong("my_wrong_edge", "no-such-edge")
def a_node(*_):
    return "L0H2"


@wrong("my_wrong_edge", "not-a-label")
def a_pair(*_):
    return ("L0H2", "L1H3.q")


@wrong("my_wrong_edge", "not-written")
def edge_left_open(*_):
    raise NotImplementedError("exercise my_wrong_edge")
