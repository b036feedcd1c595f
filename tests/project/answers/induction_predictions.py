"""Answers to chapter 1's prediction, a list of labels rather than a function.

Each is made from the model in use, with other random tokens than the check's. A function here stands for the
list it returns.
"""

import functools

import torch

from patchbook import load_model

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


@functools.cache
def my_scores(steps_back=19):
    """Mean attention so many steps back, 19 of which is the induction score: (layer, head)."""
    model = load_model()
    torch.manual_seed(123)
    half = torch.randint(0, model.cfg.d_vocab, (10, 20))
    tokens = torch.cat([torch.full((10, 1), model.tokenizer.bos_token_id), half, half], dim=1)
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
    rows = [
        cache["pattern", layer].diagonal(dim1=-2, dim2=-1, offset=-steps_back)
        for layer in range(model.cfg.n_layers)
    ]
    return torch.stack([row.mean(dim=(0, 2)) for row in rows])


def pairs(least):
    return (my_scores() >= least).nonzero().tolist()


def at_least(least):
    return [f"L{layer}H{head}" for layer, head in pairs(least)]


@right("my_induction_heads")
def as_the_text_says(*_):
    return at_least(0.4)


@right("my_induction_heads")
def sorted_by_score(*_):
    return sorted(at_least(0.4), reverse=True)


@right("my_induction_heads")
def a_little_stricter(*_):
    return at_least(0.44)


@right("my_induction_heads")
def a_little_more_generous(*_):
    return at_least(0.36)


@wrong("my_induction_heads", "empty")
def none_found(*_):
    return []


@wrong("my_induction_heads", "all-heads")
def every_head(*_):
    return at_least(0)


@wrong("my_induction_heads", "missing")
def all_but_the_strongest(*_):
    strongest = at_least(my_scores().max())
    return [label for label in at_least(0.4) if label not in strongest]


@wrong("my_induction_heads", "other-kind")
def heads_that_look_back_one_token(*_):
    return [f"L{layer}H{head}" for layer, head in (my_scores(1) >= 0.6).nonzero().tolist()]


@wrong("my_induction_heads", "extra")
def and_the_weakest(*_):
    layer, head = divmod(my_scores().argmin().item(), my_scores().shape[1])
    return [*at_least(0.4), f"L{layer}H{head}"]


@wrong("my_induction_heads", "not-labels")
def pairs_of_numbers(*_):
    return [tuple(pair) for pair in pairs(0)]


@wrong("my_induction_heads", "not-labels")
def dots_as_in_the_papers(*_):
    return [f"{layer}.{head}" for layer, head in pairs(0)]


@wrong("my_induction_heads", "no-such-head")
def counted_layers_from_1(*_):
    layers = len(my_scores())
    return [f"L{layers}H0"]


@wrong("my_induction_heads", "not-a-list")
def one_string(*_):
    return ", ".join(at_least(0.3))


@wrong("my_induction_heads", "named-twice")
def said_it_again(*_):
    return ["L1H0", "L1H0"]


@wrong("my_induction_heads", "not-written")
def left_as_it_was(*_):
    raise NotImplementedError("exercise my_induction_heads")
