"""Answers to chapter 1: cases for an induction score."""

import numpy as np
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
NAME = "cases_for_induction_score"


def looking(strengths, back=2):
    """A pattern whose queries from `back` on look so much `back` places back, and else at themselves."""
    pattern = torch.eye(len(strengths) + back)
    for query, strength in enumerate(strengths, start=back):
        pattern[query, query] = 1 - strength
        pattern[query, query - back] += strength
    return pattern


def case(pattern, expect, seq_len=3):
    return {"pattern": pattern, "seq_len": seq_len, "expect": expect}


@right(NAME)
def one_uneven_head():
    return [case(looking([0.9, 0.1, 0.8, 0.6, 0.1]), 0.5)]


@right(NAME)
def many_small_ones():
    return [
        case(looking([1.0, 1, 1, 1, 1]), 1),
        case(looking([0.0, 0, 0, 0, 0]), 0),
        case(looking([0.6, 0, 0, 0, 0]), 0.12),
        case(looking([0.0, 0, 0, 0, 0.4]), 0.08),
    ]


@right(NAME)
def random_and_worked_out_otherwise():
    torch.manual_seed(1)
    pattern = torch.randn(9, 9).masked_fill(torch.ones(9, 9).triu(1).bool(), -torch.inf).softmax(-1)
    entries = [pattern[query, query - 3] for query in range(3, 9)]
    return [case(pattern, torch.stack(entries).mean(), seq_len=4)]


@right(NAME)
def as_arrays():
    pattern = np.array(looking([0.5, 0.25, 0.75, 0.2, 0.3]))
    return (case(pattern, np.float32(0.4), np.int64(3)), case(pattern.astype("float16"), 0.4))


@wrong(NAME, "no-cases")
def nothing():
    return []


@wrong(NAME, "slipped-through")
def only_a_perfect_head():
    return [case(looking([1.0] * 5), 1.0)]


@wrong(NAME, "slipped-through")
def only_a_head_that_looks_at_itself():
    return [case(torch.eye(7), 0.0)]


@wrong(NAME, "refuses-right")
def of_the_second_half_only():
    return [case(looking([0.9, 0.1, 0.8, 0.6, 0.1]), 0.4), case(looking([1.0] * 5), 1.0)]


@wrong(NAME, "outside-domain")
def a_pattern_of_another_length():
    return [case(looking([1.0] * 6), 1.0)]


@wrong(NAME, "outside-domain")
def rows_that_add_up_to_two():
    return [case(2 * looking([1.0] * 5), 2.0)]


@wrong(NAME, "outside-domain")
def a_pattern_that_looks_ahead():
    return [case(looking([1.0] * 5).T, 1.0)]


@wrong(NAME, "outside-domain")
def heads_and_all():
    return [case(looking([1.0] * 5)[None], 1.0)]


@wrong(NAME, "other-arguments")
def without_what_must_come_out():
    return [{"pattern": looking([1.0] * 5), "seq_len": 3}]


@wrong(NAME, "not-written")
def left_open():
    raise NotImplementedError("exercise cases_for_induction_score")
