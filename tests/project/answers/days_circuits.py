"""Answers to chapter 4: the OV circuit and the days' circle."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong
WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


# ov_successor_score
@right("ov_successor_score")
def through_the_circuit(model, layer, head):
    days = torch.tensor([model.to_single_token(" " + day) for day in WEEK])
    W_OV = model.W_V[layer, head] @ model.W_O[layer, head]
    logits = model.W_E[days] @ W_OV @ model.W_U[:, days]  # (day, day)
    return (logits.argmax(-1) == (torch.arange(7) + 1) % 7).float().mean().item()


@right("ov_successor_score")
def day_by_day(model, layer, head):
    tokens = [model.to_single_token(" " + day) for day in WEEK]
    hits = 0
    for i, token in enumerate(tokens):
        written = (model.W_E[token] @ model.W_V[layer, head]) @ model.W_O[layer, head]
        logits = [(written @ model.W_U[:, other]).item() for other in tokens]
        hits += logits.index(max(logits)) == (i + 1) % len(tokens)
    return hits / len(tokens)


@right("ov_successor_score")
def with_the_factored_OV(model, layer, head):
    days = [model.to_single_token(f" {day}") for day in WEEK]
    logits = (model.W_E[days] @ model.OV[layer, head] @ model.W_U[:, days]).AB
    return (logits.roll(-1, dims=-1).argmax(-1) == torch.arange(7)).double().mean()


@wrong("ov_successor_score", "copying-score")
def counted_the_same_day(model, layer, head):
    days = [model.to_single_token(" " + day) for day in WEEK]
    logits = model.W_E[days] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U[:, days]
    return (logits.argmax(-1) == torch.arange(7)).float().mean().item()


@wrong("ov_successor_score", "no-wrap")
def sunday_has_no_tomorrow(model, layer, head):
    days = [model.to_single_token(" " + day) for day in WEEK]
    logits = model.W_E[days] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U[:, days]
    return (logits.argmax(-1) == torch.arange(7) + 1).float().mean().item()


@wrong("ov_successor_score", "days-without-space")
def bare_words(model, layer, head):
    days = [model.to_single_token(day) for day in WEEK]
    logits = model.W_E[days] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U[:, days]
    return (logits.argmax(-1) == torch.arange(7).roll(-1)).double().mean().item()


@wrong("ov_successor_score", "predecessor")
def yesterday(model, layer, head):
    days = [model.to_single_token(" " + day) for day in WEEK]
    logits = model.W_E[days] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U[:, days]
    return (logits.argmax(-1) == torch.arange(7).roll(1)).float().mean().item()


@wrong("ov_successor_score", "whole-vocabulary")
def against_all_tokens(model, layer, head):
    days = torch.tensor([model.to_single_token(" " + day) for day in WEEK])
    logits = model.W_E[days] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U
    return (logits.argmax(-1) == days.roll(-1)).float().mean().item()


@wrong("ov_successor_score", "qk-circuit")
def where_it_looks(model, layer, head):
    days = [model.to_single_token(" " + day) for day in WEEK]
    scores = (model.W_E[days] @ model.W_Q[layer, head]) @ (model.W_E[days] @ model.W_K[layer, head]).T
    return (scores.argmax(-1) == torch.arange(7).roll(-1)).float().mean().item()


@wrong("ov_successor_score", "raised")
def asks_the_model(model, layer, head):
    days = torch.tensor([[model.to_single_token(" " + day)] for day in WEEK])
    best = model(days)[:, -1, days[:, 0]].argmax(-1)
    return (best == torch.arange(7).roll(-1)).float().mean().item()


@wrong("ov_successor_score", "counted")
def how_many_days(model, layer, head):
    return round(7 * through_the_circuit(model, layer, head))


@wrong("ov_successor_score", "layer-and-head-swapped")
def head_before_layer(model, layer, head):
    return through_the_circuit(model, head, layer)


@wrong("ov_successor_score", "not-averaged")
def one_for_each_day(model, layer, head):
    days = [model.to_single_token(" " + day) for day in WEEK]
    logits = model.W_E[days] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U[:, days]
    return logits.argmax(-1) == torch.arange(7).roll(-1)


# days_pca
@right("days_pca")
def with_svd(vectors, k=2):
    U, S, _ = torch.linalg.svd(vectors - vectors.mean(dim=0), full_matrices=False)
    return U[:, :k] * S[:k]


@right("days_pca")
def projected(vectors, k=2):
    centred = vectors - vectors.mean(dim=0, keepdim=True)
    directions = torch.linalg.svd(centred.double()).Vh[:k]
    return (centred.double() @ directions.T).to(vectors.dtype)


@right("days_pca")
def from_the_covariance(vectors, k=2):
    centred = vectors.double() - vectors.double().mean(0)
    directions = torch.linalg.eigh(torch.cov(vectors.double().T)).eigenvectors.flip(-1)
    return -(centred @ directions)[:, :k].to(vectors.dtype)


@wrong("days_pca", "not-centred")
def forgot_the_mean(vectors, k=2):
    U, S, _ = torch.linalg.svd(vectors, full_matrices=False)
    return U[:, :k] * S[:k]


@wrong("days_pca", "not-scaled")
def left_singular_vectors(vectors, k=2):
    return torch.linalg.svd(vectors - vectors.mean(0), full_matrices=False).U[:, :k]


@wrong("days_pca", "k-ignored")
def always_two(vectors, k=2):
    return with_svd(vectors)


@wrong("days_pca", "smallest-directions")
def as_eigh_sorts_them(vectors, k=2):
    centred = vectors - vectors.mean(0)
    return centred @ torch.linalg.eigh(torch.cov(vectors.T)).eigenvectors[:, :k]


@wrong("days_pca", "centred-for-the-directions-only")
def projected_the_vectors_themselves(vectors, k=2):
    return vectors @ torch.linalg.svd(vectors - vectors.mean(0)).Vh[:k].T


@wrong("days_pca", "centred-along-the-wrong-axis")
def mean_of_each_vector(vectors, k=2):
    centred = vectors - vectors.mean(dim=1, keepdim=True)
    U, S, _ = torch.linalg.svd(centred, full_matrices=False)
    return U[:, :k] * S[:k]


@wrong("days_pca", "contract")
def one_column_for_each_day(vectors, k=2):
    return with_svd(vectors, k).T.contiguous()
