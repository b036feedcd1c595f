"""Answers to chapter 2: cases for a mean logit difference."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
NAME = "cases_for_logit_diff"


def case(last, answers, expect, first=None):
    """Logits of two positions: `last`, (batch, d_vocab), and before it `first`, zeros where not given."""
    last = torch.tensor(last)
    first = torch.zeros_like(last) if first is None else torch.tensor(first)
    return {
        "logits": torch.stack([first, last], 1),
        "answer_tokens": torch.tensor(answers),
        "expect": expect,
    }


@right(NAME)
def two_prompts_at_once():
    return [case([[2.0, 0.0, 3.0], [1.0, 3.0, 0.0]], [[0, 1], [0, 2]], 1.5), one_that_is_lost()]


def one_that_is_lost():
    return case([[1.0, 5.0, 9.0]], [[0, 1]], -4.0)


@right(NAME)
def one_case_for_each_slip():
    return [
        case([[2.0, 1.0, 0.0]], [[0, 1]], 1.0, first=[[7.0, 0.0, 0.0]]),
        case([[2.0, 0.0, 0.0], [0.0, 3.0, 1.0]], [[0, 1], [1, 2]], 2.0),
        one_that_is_lost(),
    ]


@right(NAME)
def random_and_worked_out_otherwise():
    torch.manual_seed(3)
    logits, answers = 3 * torch.randn(4, 3, 8), torch.tensor([[0, 1], [2, 3], [4, 5], [7, 6]])
    signs = torch.zeros(4, 8).scatter(-1, answers, torch.tensor([[1.0, -1.0]] * 4))
    return [{"logits": logits, "answer_tokens": answers, "expect": (signs * logits[:, -1]).sum(-1).mean()}]


@wrong(NAME, "no-cases")
def an_empty_tuple():
    return ()


@wrong(NAME, "slipped-through")
def one_prompt_that_is_won():
    return [case([[3.0, 1.0, 0.0]], [[0, 1]], 2.0)]


@wrong(NAME, "slipped-through")
def all_prompts_with_the_same_answers():
    return [case([[3.0, 1.0, 2.0], [0.0, 4.0, 8.0]], [[0, 1], [0, 1]], -1.0)]


@wrong(NAME, "refuses-right")
def a_sum_over_the_prompts():
    return [case([[2.0, 0.0, 0.0], [0.0, 3.0, 1.0]], [[0, 1], [1, 2]], 4.0)]


@wrong(NAME, "refuses-right")
def one_number_for_each_prompt():
    return [case([[2.0, 0.0, 0.0], [0.0, 3.0, 1.0]], [[0, 1], [1, 2]], torch.tensor([2.0, 2.0]))]


@wrong(NAME, "outside-domain")
def an_answer_that_is_no_token():
    return [case([[3.0, 1.0, 0.0]], [[0, 3]], 2.0)]


@wrong(NAME, "outside-domain")
def answers_of_another_batch():
    return [case([[3.0, 1.0, 0.0]], [[0, 1], [1, 0]], 2.0)]


@wrong(NAME, "outside-domain")
def a_logit_without_end():
    return [case([[float("inf"), 1.0, 0.0]], [[0, 1]], 2.0)]


@wrong(NAME, "not-cases")
def one_case_without_a_list():
    return case([[3.0, 1.0, 0.0]], [[0, 1]], 2.0)


@wrong(NAME, "not-written")
def left_open():
    raise NotImplementedError("exercise cases_for_logit_diff")
