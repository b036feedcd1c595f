"""Answers to chapter 6: cases for faithfulness."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
NAME = "cases_for_faithfulness"


def case(circuit, empty, full, expect):
    given = {"circuit": circuit, "empty": empty, "full": full}
    return {name: torch.tensor(values) for name, values in given.items()} | {"expect": expect}


@right(NAME)
def beyond_both_ends():
    return [
        case([5.0, 8.0], [1.0, 2.0], [2.0, 7.0], 10 / 6),
        case([0.0, 0.0], [1.0, 2.0], [2.0, 7.0], -0.5),
    ]


@right(NAME)
def step_by_step():
    return [
        case([1.0], [1.0], [3.0], 0.0),
        case([3.0], [1.0], [3.0], 1.0),
        case([4.0], [1.0], [3.0], 1.5),
        case([0.5], [1.0], [3.0], -0.25),
        case([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [1.0, 4.0, 3.0], 0.75),
    ]


@right(NAME)
def random_and_moved():
    torch.manual_seed(5)
    circuit, empty = torch.randn(2, 6)
    full = empty + torch.rand(6) + 0.5
    share = (circuit.sum() - empty.sum()) / (full.sum() - empty.sum())
    moved = {"circuit": 3 - 2 * circuit, "empty": 3 - 2 * empty, "full": 3 - 2 * full, "expect": share}
    more = {"circuit": 2 * full - empty, "empty": empty, "full": full, "expect": 2.0}
    return [moved, more, {"circuit": 2 * empty - full, "empty": empty, "full": full, "expect": -1.0}]


@wrong(NAME, "no-cases")
def no_prompt():
    return []


@wrong(NAME, "slipped-through")
def the_two_ends():
    return [case([1.0, 1.0], [1.0, 1.0], [2.0, 4.0], 0.0), case([2.0, 4.0], [1.0, 1.0], [2.0, 4.0], 1.0)]


@wrong(NAME, "slipped-through")
def nothing_is_zero_and_one_prompt():
    return [case([1.0], [0.0], [2.0], 0.5), case([3.0], [0.0], [2.0], 1.5)]


@wrong(NAME, "slipped-through")
def never_below_nothing():
    return [case([5.0, 8.0], [1.0, 2.0], [2.0, 7.0], 10 / 6)]


@wrong(NAME, "refuses-right")
def a_mean_of_ratios():
    return [case([2.0, 2.0], [1.0, 1.0], [2.0, 5.0], 0.625)]


@wrong(NAME, "refuses-right")
def in_percent():
    return [case([1.0], [0.0], [2.0], 50)]


@wrong(NAME, "outside-domain")
def a_model_that_does_nothing():
    return [case([1.0, 2.0], [1.0, 3.0], [3.0, 1.0], 0.0)]


@wrong(NAME, "outside-domain")
def plain_numbers():
    return [{"circuit": 1.0, "empty": 0.0, "full": 2.0, "expect": 0.5}]


@wrong(NAME, "outside-domain")
def prompts_of_two_sets():
    return [case([1.0, 2.0], [0.0], [3.0, 1.0], 0.5)]


@wrong(NAME, "not-written")
def left_open():
    raise NotImplementedError("exercise cases_for_faithfulness")
