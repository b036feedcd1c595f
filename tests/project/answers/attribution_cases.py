"""Answers to chapter 5: cases for an attribution."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
NAME = "cases_for_attribution"


def case(clean, corrupted, gradient, expect):
    """One prompt; a list for each position."""
    given = {"clean": clean, "corrupted": corrupted, "gradient": gradient}
    return {name: torch.tensor([rows]) for name, rows in given.items()} | {"expect": expect}


@right(NAME)
def one_for_all():
    return [case([[2.0, 0.0], [0.0, 3.0]], [[1.0, 1.0], [0.0, 1.0]], [[1.0, 3.0], [1.0, 2.0]], 2.0)]


@right(NAME)
def one_for_each_slip():
    return [
        case([[3.0, 1.0]], [[1.0, 1.0]], [[2.0, 5.0]], 4.0),  # from zero: 11
        case([[1.0, 0.0]], [[0.0, 0.0]], [[0.0, 1.0]], 0.0),  # at right angles
        case([[1.0, 1.0]], [[0.0, 0.0]], [[2.0, -1.0]], 1.0),  # cancels in part
        case([[1.0], [2.0]], [[0.0], [0.0]], [[1.0], [1.0]], 3.0),  # two positions
    ]


@right(NAME)
def random_and_worked_out_otherwise():
    torch.manual_seed(2)
    clean, corrupted, gradient = torch.randn(3, 2, 3, 4).unbind()
    score = torch.einsum("bpd,bpd->", clean, gradient) - torch.einsum("bpd,bpd->", corrupted, gradient)
    return [{"clean": clean, "corrupted": corrupted, "gradient": gradient, "expect": score.item()}]


@wrong(NAME, "no-cases")
def no_activation():
    return []


@wrong(NAME, "slipped-through")
def corrupted_is_nothing():
    return [case([[1.0, 2.0], [1.0, 0.0]], [[0.0, 0.0]] * 2, [[1.0, -1.0], [1.0, 1.0]], 0.0)]


@wrong(NAME, "slipped-through")
def one_position():
    return [case([[3.0, 1.0]], [[1.0, 2.0]], [[2.0, 1.0]], 3.0)]


@wrong(NAME, "refuses-right")
def the_other_way():
    return [case([[3.0, 1.0]], [[1.0, 1.0]], [[2.0, 5.0]], -4.0)]


@wrong(NAME, "refuses-right")
def one_number_for_each_position():
    return [case([[1.0], [2.0]], [[0.0], [0.0]], [[1.0], [1.0]], [1.0, 2.0])]


@wrong(NAME, "outside-domain")
def a_gradient_of_another_shape():
    return [case([[1.0, 2.0]], [[0.0, 0.0]], [[1.0]], 3.0)]


@wrong(NAME, "outside-domain")
def no_number():
    return [case([[float("nan"), 2.0]], [[0.0, 0.0]], [[1.0, 1.0]], 3.0)]


@wrong(NAME, "outside-domain")
def as_large_as_gpt2():
    return [{name: torch.zeros(1, 15, 768) for name in ("clean", "corrupted", "gradient")} | {"expect": 0.0}]


@wrong(NAME, "other-arguments")
def without_the_gradient():
    rows = case([[1.0]], [[0.0]], [[1.0]], 1.0)
    return [{name: value for name, value in rows.items() if name != "gradient"}]


@wrong(NAME, "not-written")
def left_open():
    raise NotImplementedError("exercise cases_for_attribution")
