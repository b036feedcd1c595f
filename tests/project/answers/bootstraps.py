"""Answers to chapter 7: which edges other prompts would have chosen."""

import numpy as np
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# bootstrap_circuits
@right("bootstrap_circuits")
def draw_by_draw(scores, draws, n):
    chosen = torch.zeros(scores.shape[1])
    for draw in draws:
        best = scores[draw].mean(dim=0).abs().topk(n).indices
        chosen[best] += 1
    return chosen / len(draws)


@right("bootstrap_circuits")
def all_draws_at_once(scores, draws, n):
    means = scores[draws].mean(dim=1)  # (draw, edge)
    best = means.abs().argsort(dim=-1, descending=True)[:, :n]
    chosen = torch.zeros(means.shape).scatter(1, best, 1.0)
    return chosen.mean(dim=0)


@right("bootstrap_circuits")
def by_numpy(scores, draws, n):
    table, votes = scores.numpy(), np.zeros(scores.shape[1], dtype=np.float32)
    for draw in draws.numpy():
        size = np.abs(table[draw].sum(axis=0))
        votes += size > np.sort(size)[-n - 1]
    return torch.from_numpy(votes / len(draws))


@wrong("bootstrap_circuits", "not-resampled")
def the_circuit_of_all_prompts(scores, draws, n):
    best = scores.mean(0).abs().topk(n).indices
    return torch.isin(torch.arange(scores.shape[1]), best).float()


@wrong("bootstrap_circuits", "each-prompt-once")
def as_a_set(scores, draws, n):
    chosen = torch.zeros(scores.shape[1])
    for draw in draws.tolist():
        chosen[scores[sorted(set(draw))].mean(0).abs().topk(n).indices] += 1
    return chosen / len(draws)


@wrong("bootstrap_circuits", "signed")
def forgot_the_sign(scores, draws, n):
    best = scores[draws].mean(1).topk(n, dim=-1).indices
    return torch.zeros(len(draws), scores.shape[1]).scatter(1, best, 1.0).mean(0)


@wrong("bootstrap_circuits", "mean-of-sizes")
def sizes_first(scores, draws, n):
    return draw_by_draw(scores.abs(), draws, n)


@wrong("bootstrap_circuits", "counted")
def votes(scores, draws, n):
    return draw_by_draw(scores, draws, n) * len(draws)


@wrong("bootstrap_circuits", "prompt-by-prompt")
def every_prompt_votes(scores, draws, n):
    best = scores.abs().topk(n, dim=-1).indices
    each = torch.zeros(scores.shape).scatter(1, best, 1.0)
    return each[draws].mean(dim=(0, 1))


@wrong("bootstrap_circuits", "one-too-many")
def one_more(scores, draws, n):
    return all_draws_at_once(scores, draws, n + 1)


@wrong("bootstrap_circuits", "contract")
def by_draw(scores, draws, n):
    best = scores[draws].mean(1).abs().topk(n, dim=-1).indices
    return torch.zeros(len(draws), scores.shape[1]).scatter(1, best, 1.0)
