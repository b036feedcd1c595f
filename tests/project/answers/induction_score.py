"""Answers to chapter 1: the induction score."""

import einops
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


induction_score_store = None  # the check lends one


@right("induction_score_hook")
def by_diagonal(pattern, hook):
    seq_len = (pattern.shape[-1] - 1) // 2
    stripe = pattern.diagonal(dim1=-2, dim2=-1, offset=1 - seq_len)
    induction_score_store[hook.layer(), :] = einops.reduce(stripe, "b h p -> h", "mean")


@right("induction_score_hook")
def by_index(pattern, hook):
    back = pattern.size(-1) // 2 - 1
    queries = torch.arange(back, pattern.size(-2))
    induction_score_store[hook.layer()] = pattern[:, :, queries, queries - back].mean(dim=(0, 2))


@right("induction_score_hook")
def by_loops_over_heads(pattern, hook):
    seq_len = (pattern.shape[2] - 1) // 2
    for head in range(pattern.shape[1]):
        values = [torch.diagonal(p[head], offset=-(seq_len - 1)).mean() for p in pattern]
        induction_score_store[hook.layer(), head] = sum(values).item() / len(values)


@right("induction_score_hook")
def and_gives_the_pattern_back(pattern, hook):
    by_diagonal(pattern, hook)
    return pattern


def stripe(pattern, offset):
    return pattern.diagonal(dim1=-2, dim2=-1, offset=offset).mean((0, -1))


@wrong("induction_score_hook", "at-the-copy")
def seq_len_back(pattern, hook):
    induction_score_store[hook.layer()] = stripe(pattern, -((pattern.shape[-1] - 1) // 2))


@wrong("induction_score_hook", "one-too-late")
def two_less(pattern, hook):
    induction_score_store[hook.layer()] = stripe(pattern, -((pattern.shape[-1] - 1) // 2 - 2))


@wrong("induction_score_hook", "above-the-diagonal")
def forgot_the_minus(pattern, hook):
    induction_score_store[hook.layer()] = stripe(pattern, (pattern.shape[-1] - 1) // 2 - 1)


@wrong("induction_score_hook", "sum-not-mean")
def added_up(pattern, hook):
    seq_len = (pattern.shape[-1] - 1) // 2
    diagonal = pattern.diagonal(dim1=-2, dim2=-1, offset=1 - seq_len)
    induction_score_store[hook.layer()] = einops.reduce(diagonal, "b h p -> h", "sum")


@wrong("induction_score_hook", "always-row-0")
def ignored_the_layer(pattern, hook):
    induction_score_store[0] = stripe(pattern, 1 - (pattern.shape[-1] - 1) // 2)


@wrong("induction_score_hook", "all-rows")
def overwrote_the_store(pattern, hook):
    induction_score_store[:] = stripe(pattern, 1 - (pattern.shape[-1] - 1) // 2)


@wrong("induction_score_hook", "first-prompt-only")
def took_the_first_prompt(pattern, hook):
    by_diagonal(pattern[0:1], hook)


@wrong("induction_score_hook", "heads-averaged")
def averaged_the_heads(pattern, hook):
    induction_score_store[hook.layer()] = stripe(pattern, 1 - (pattern.shape[-1] - 1) // 2).mean()


@wrong("induction_score_hook", "one-seq-len-for-all")
def seq_len_of_the_notebook(pattern, hook, seq_len=20):
    induction_score_store[hook.layer()] = stripe(pattern, 1 - seq_len)


@wrong("induction_score_hook", "returned")
def returned_the_scores(pattern, hook):
    return stripe(pattern, 1 - (pattern.shape[-1] - 1) // 2)


@wrong("induction_score_hook", "not-stored")
def kept_in_a_variable(pattern, hook):
    induction_score_store = {}  # a local name: the store stays as it was
    induction_score_store[hook.layer()] = stripe(pattern, 1 - (pattern.shape[-1] - 1) // 2)


@wrong("induction_score_hook", "raised")
def forgot_the_batch_axis(pattern, hook):
    seq_len = (pattern.shape[-1] - 1) // 2
    induction_score_store[hook.layer()] = pattern.diagonal(dim1=-2, dim2=-1, offset=1 - seq_len).mean(-1).T


@wrong("induction_score_hook", "changed-input")
def scaled_in_place(pattern, hook):
    pattern *= 100
    induction_score_store[hook.layer()] = stripe(pattern, 1 - (pattern.shape[-1] - 1) // 2) / 100
