"""Answers to chapter 5: estimates against what is true."""

import numpy as np
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def paired(estimates, effects):
    if set(estimates) != set(effects):
        raise ValueError("not the same edges")
    edges = list(effects)
    return edges, torch.tensor([estimates[e] for e in edges]), torch.tensor([effects[e] for e in edges])


@right("agreement")
def with_tensors(estimates, effects, number):
    edges, x, y = paired(estimates, effects)
    r_squared = 1 - (y - x).square().sum() / (y - y.mean()).square().sum()
    return r_squared.item(), [edges[i] for i in (y - x).abs().topk(number).indices]


@right("agreement")
def with_numpy(estimates, effects, number):
    edges, x, y = paired(estimates, effects)
    x, y = x.numpy().astype(float), y.numpy().astype(float)
    order = np.argsort(-np.abs(x - y))
    return float(1 - np.mean((x - y) ** 2) / np.var(y)), [edges[i] for i in order[:number]]


@right("agreement")
def with_a_loop(estimates, effects, number):
    if sorted(estimates) != sorted(effects):
        raise ValueError
    mean, missed, spread = sum(effects.values()) / len(effects), 0.0, 0.0
    for edge, effect in effects.items():
        missed += (effect - estimates[edge]) ** 2
        spread += (effect - mean) ** 2
    off = {edge: abs(effects[edge] - estimates[edge]) for edge in effects}
    return (spread - missed) / spread, sorted(off, key=off.get, reverse=True)[:number]


@wrong("agreement", "correlation-squared")
def corrcoef(estimates, effects, number):
    _, x, y = paired(estimates, effects)
    _, furthest = with_tensors(estimates, effects, number)
    return torch.corrcoef(torch.stack([x, y]))[0, 1].item() ** 2, furthest


@wrong("agreement", "what-is-missed")
def unexplained(estimates, effects, number):
    r_squared, furthest = with_tensors(estimates, effects, number)
    return 1 - r_squared, furthest


@wrong("agreement", "roles-swapped")
def arguments_swapped(estimates, effects, number):
    _, furthest = with_tensors(estimates, effects, number)
    return with_tensors(effects, estimates, number)[0], furthest


@wrong("agreement", "unpaired")
def zipped(estimates, effects, number):
    if set(estimates) != set(effects):
        raise ValueError
    return with_tensors(dict(zip(effects, estimates.values(), strict=True)), effects, number)


@wrong("agreement", "nearest")
def best_first(estimates, effects, number):
    r_squared, _ = with_tensors(estimates, effects, number)
    return r_squared, sorted(effects, key=lambda edge: abs(effects[edge] - estimates[edge]))[:number]


@wrong("agreement", "largest-effects")
def largest(estimates, effects, number):
    r_squared, _ = with_tensors(estimates, effects, number)
    return r_squared, sorted(effects, key=lambda edge: -abs(effects[edge]))[:number]


@wrong("agreement", "common-edges")
def only_common_edges(estimates, effects, number):
    common = {edge: effects[edge] for edge in effects if edge in estimates}
    return with_tensors({edge: estimates[edge] for edge in common}, common, number)
