"""Answers to chapter 2: standard errors, and what chance alone would name."""

import statistics

import numpy as np
import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# standard_error_of_effect
@right("standard_error_of_effect")
def spread_over_the_root(clean, patched):
    effect = patched - clean
    return effect.std(dim=-1) / effect.shape[-1] ** 0.5


@right("standard_error_of_effect")
def by_numpy(clean, patched):
    effect = patched.numpy() - clean.numpy()
    return torch.from_numpy(np.asarray(effect.std(axis=-1, ddof=1) / np.sqrt(effect.shape[-1])))


@right("standard_error_of_effect")
def by_covariance(clean, patched):
    """The variance of a difference: both variances less twice what they share."""
    n, own = len(clean), patched - patched.mean(dim=-1, keepdim=True)
    shared = (own * (clean - clean.mean())).sum(dim=-1) / (n - 1)
    return ((patched.var(dim=-1) + clean.var() - 2 * shared) / n).sqrt()


@right("standard_error_of_effect")
def head_by_head(clean, patched):
    rows = (patched - clean).reshape(-1, len(clean)).double().tolist()
    errors = [statistics.stdev(row) / len(row) ** 0.5 for row in rows]
    return torch.tensor(errors).reshape(patched.shape[:-1])


@wrong("standard_error_of_effect", "standard-deviation")
def only_the_spread(clean, patched):
    return torch.std(patched - clean, dim=-1)


@wrong("standard_error_of_effect", "unpaired")
def as_for_two_classes(clean, patched):
    n = clean.numel()
    return torch.sqrt(clean.std() ** 2 / n + patched.std(dim=-1) ** 2 / n)


@wrong("standard_error_of_effect", "of-patched-alone")
def only_the_patched_run(clean, patched):
    return patched.std(-1) / np.sqrt(patched.shape[-1])


@wrong("standard_error_of_effect", "spread-around-the-wrong-mean")
def as_numpy_does_by_default(clean, patched):
    effect = (patched - clean).numpy()
    return torch.from_numpy(np.asarray(effect.std(axis=-1) / effect.shape[-1] ** 0.5))


@wrong("standard_error_of_effect", "variance-of-the-mean")
def forgot_the_root(clean, patched):
    return torch.var(patched - clean, dim=-1) / len(clean)


@wrong("standard_error_of_effect", "around-zero")
def root_of_the_mean_square(clean, patched):
    return (patched - clean).square().mean(-1).sqrt() / len(clean) ** 0.5


@wrong("standard_error_of_effect", "mean-effect")
def the_effect_itself(clean, patched):
    return patched.mean(-1) - clean.mean()


@wrong("standard_error_of_effect", "contract")
def of_everything_at_once(clean, patched):
    return (patched - clean)[None].std(dim=1) / len(clean) ** 0.5


@wrong("standard_error_of_effect", "changed-input")
def subtracts_in_place(clean, patched):
    patched -= clean
    return patched.std(dim=-1) / len(clean) ** 0.5


# null_of_threshold
@right("null_of_threshold")
def all_draws_at_once(effects, threshold, draws):
    means = (effects - effects.mean())[draws].mean(dim=1)
    return (means.abs() >= threshold).float().mean().item()


@right("null_of_threshold")
def draw_by_draw(effects, threshold, draws):
    nothing = effects - effects.mean()
    passed = [bool(nothing[draw].mean().abs() >= threshold) for draw in draws]
    return sum(passed) / len(passed)


@right("null_of_threshold")
def mean_taken_away_afterwards(effects, threshold, draws):
    means = effects[draws].mean(dim=-1) - effects.mean()
    return ((means >= threshold) | (means <= -threshold)).sum().item() / len(draws)


@right("null_of_threshold")
def with_numpy(effects, threshold, draws):
    nothing = effects.numpy() - effects.numpy().mean()
    return float(np.mean(np.abs(nothing[draws.numpy()].mean(axis=1)) >= threshold))


@wrong("null_of_threshold", "not-centred")
def of_the_head_as_it_is(effects, threshold, draws):
    return (effects[draws].mean(1).abs() >= threshold).float().mean().item()


@wrong("null_of_threshold", "upwards-only")
def one_side(effects, threshold, draws):
    nothing = effects - effects.mean()
    return sum(nothing[draw].mean().item() >= threshold for draw in draws) / len(draws)


@wrong("null_of_threshold", "prompt-by-prompt")
def without_means(effects, threshold, draws):
    return ((effects - effects.mean())[draws].abs() >= threshold).float().mean().item()


@wrong("null_of_threshold", "mean-of-sizes")
def sizes_first(effects, threshold, draws):
    return ((effects - effects.mean()).abs()[draws].mean(1) >= threshold).float().mean().item()


@wrong("null_of_threshold", "counted")
def how_many(effects, threshold, draws):
    nothing = effects - effects.mean()
    return float(sum(abs(nothing[draw].mean().item()) >= threshold for draw in draws))


@wrong("null_of_threshold", "centred-in-each-draw")
def each_draw_by_itself(effects, threshold, draws):
    drawn = effects[draws]
    drawn = drawn - drawn.mean(1, keepdim=True)
    return (drawn.mean(1).abs() >= threshold).float().mean().item()


@wrong("null_of_threshold", "on-the-line-left-out")
def strictly_above(effects, threshold, draws):
    nothing = effects - effects.mean()
    return sum(abs(nothing[draw].mean().item()) > threshold for draw in draws) / len(draws)


@wrong("null_of_threshold", "contract")
def draw_by_draw_in_a_tensor(effects, threshold, draws):
    return ((effects - effects.mean())[draws].mean(1).abs() >= threshold).float()
