"""Answers to chapter 4: the layer that knows tomorrow."""

import functools

import torch

from patchbook import load_model

from . import Bank
from .days_circuits import WEEK

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# tomorrow_layer: a function stands for the number it returns
@functools.cache
def gains():
    """How much the lead of tomorrow over today grows in each layer, by a logit lens of our own."""
    model = load_model()
    tokens = model.to_tokens([f"Today it is {day}, tomorrow it is" for day in WEEK])
    days = torch.tensor([model.to_single_token(" " + day) for day in WEEK])
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
        last = model.cfg.n_layers - 1
        stream = [cache["resid_pre", layer][:, -1] for layer in range(last + 1)]
        stream = torch.stack([*stream, cache["resid_post", last][:, -1]])  # (layer + 1, batch, d_model)
        logits = stream / cache["ln_final.hook_scale"][:, -1] @ model.W_U[:, days]
        lead = logits.roll(-1, -1).diagonal(dim1=1, dim2=2) - logits.diagonal(dim1=1, dim2=2)
    return lead.mean(-1).diff()


def adds(test):
    """The first layer whose gain passes a test."""
    return next(layer for layer, gain in enumerate(gains().tolist()) if test(gain))


@right("tomorrow_layer")
def the_one_that_adds_most(*_):
    return int(gains().argmax())


@right("tomorrow_layer")
def by_sorting_the_layers(*_):
    return sorted(range(len(gains())), key=lambda layer: gains()[layer].item())[-1]


@right("tomorrow_layer")
def any_that_comes_near(*_):
    return adds(lambda gain: gain >= 0.9 * gains().max())


@wrong("tomorrow_layer", "smallest")
def the_one_that_adds_least(*_):
    return int(gains().argmin())


@wrong("tomorrow_layer", "no-such-layer")
def one_past_the_end(*_):
    return len(gains())


@wrong("tomorrow_layer", "counted-from-the-end")
def minus_one(*_):
    return -1


@wrong("tomorrow_layer", "not-a-number")
def a_label(*_):
    return f"L{int(gains().argmax())}"


@wrong("tomorrow_layer", "not-a-number")
def a_list(*_):
    return [int(gains().argmax())]


@wrong("tomorrow_layer", "not-a-number")
def with_a_point(*_):
    return float(gains().argmax())


@wrong("tomorrow_layer", "not-a-number")
def a_truth(*_):
    return True


@wrong("tomorrow_layer", "not-written")
def left_as_it_was(*_):
    raise NotImplementedError("exercise tomorrow_layer")
