"""The known wrong ways of chapter 4: the OV circuit and the days' circle."""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import days_circuits as specifications
from patchbook.tests.specifications import days_words


def _score(offset=1, matrix=None, axis=-1, scale=1.0):
    """The score with another step, another product of weights, or the arg max along the other axis."""
    matrix = matrix or _circuit

    def wrong(model, layer, head):
        days = matrix(model, layer, head)
        n = len(days)
        want = (torch.arange(n) + offset) % n
        return scale * (days.argmax(axis) == want).double().mean().item()

    return wrong


def _tokens(model, space=" "):
    return [model.to_single_token(space + day) for day in days_words.DAYS]


def _circuit(model, layer, head, space=" "):
    """Rows the day that is looked at, columns the day that is written, in logits."""
    days = _tokens(model, space)
    return (model.W_E[days] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U)[:, days].detach()


def _no_wrap(model, layer, head):
    best = _circuit(model, layer, head).argmax(-1).tolist()
    return sum(b == i + 1 for i, b in enumerate(best)) / len(best)


def _six_days(model, layer, head):
    best = _circuit(model, layer, head).argmax(-1).tolist()[:-1]
    return sum(b == i + 1 for i, b in enumerate(best)) / len(best)


def _whole_vocabulary(model, layer, head):
    days = _tokens(model)
    written = model.W_E[days] @ model.W_V[layer, head] @ model.W_O[layer, head] @ model.W_U
    want = torch.tensor(days).roll(-1)
    return (written.argmax(-1) == want).double().mean().item()


def _qk(model, layer, head):
    days = _tokens(model)
    W_QK = model.W_Q[layer, head] @ model.W_K[layer, head].T
    return (model.W_E[days] @ W_QK @ model.W_E[days].T).detach()


def _tied(model, layer, head):
    days = _tokens(model)
    W_OV = model.W_V[layer, head] @ model.W_O[layer, head]
    return (model.W_E[days] @ W_OV @ model.W_E[days].T).detach()


ov_successor_score = (
    Mistake(
        "copying-score",
        _score(offset=0),
        "this counts the days that the head copies: the largest logit is the day's own.",
        "The next day must be the largest: compare with (i + 1) % 7.",
    ),
    Mistake(
        "predecessor",
        _score(offset=-1),
        "this counts the days before, not the days after.",
        "Row i must be largest in column (i + 1) % 7.",
    ),
    Mistake(
        "columns-not-rows",
        _score(axis=0),
        "the arg max runs over the days that are looked at.",
        "For each source day (row), take the arg max over the days that are written (columns): dim=-1.",
    ),
    Mistake(
        "no-wrap",
        _no_wrap,
        "Sunday can never count: after it comes Monday, place 0.",
        "Compare with (i + 1) % 7.",
    ),
    Mistake(
        "sunday-left-out",
        _six_days,
        "Sunday is left out: the fraction is of six days.",
        "All seven days have a successor. Compare with (i + 1) % 7.",
    ),
    Mistake(
        "whole-vocabulary",
        _whole_vocabulary,
        "the next day must beat all tokens here; wanted the days only.",
        "Pick the seven columns of the days before the arg max.",
    ),
    Mistake(
        "days-without-space",
        _score(matrix=lambda model, layer, head: _circuit(model, layer, head, space="")),
        'the days lack their space: "Monday" is another token than " Monday".',
        'Ask for the tokens of " " + day.',
    ),
    Mistake(
        "qk-circuit",
        _score(matrix=_qk),
        "this is the QK circuit: where the head looks, not what it writes.",
        "Use W_V and W_O.",
    ),
    Mistake(
        "unembedded-with-W-E",
        _score(matrix=_tied),
        "the result is compared with embeddings; wanted logits.",
        "Multiply with W_U: in compatibility mode it is not W_E transposed.",
    ),
    Mistake(
        "not-averaged",
        lambda model, layer, head: _circuit(model, layer, head).argmax(-1) == torch.arange(7).roll(-1),
        "this says of each day whether it is mapped to the next; wanted the fraction of the days.",
        "Take the mean over the seven days: .double().mean().item().",
    ),
    Mistake(
        "counted",
        _score(scale=7.0),
        "this is how many days; wanted the fraction.",
        "Divide by the number of days.",
    ),
    Mistake(
        "layer-and-head-swapped",
        lambda model, layer, head: specifications.ov_successor_score(model, head, layer),
        "layer and head have changed places.",
        "W_V[layer, head]: the layer comes first.",
    ),
)


def _pca(directions, centre=True, coordinates=None):
    """directions(centred vectors) -> (d_model, all) columns, from which the first k are taken."""

    def wrong(vectors, k=2):
        centred = vectors - vectors.mean(0) if centre else vectors
        found = directions(centred)[:, :k]
        return centred @ found if coordinates is None else coordinates(vectors, centred, found)

    return wrong


def _right_directions(centred):
    return torch.linalg.svd(centred, full_matrices=False).Vh.T


def _ignored_k(vectors, k=2):
    return specifications.days_pca(vectors, 2)


def _left_singular(vectors, k=2):
    centred = vectors - vectors.mean(0)
    return torch.linalg.svd(centred, full_matrices=False).U[:, :k]


days_pca = (
    Mistake(
        "not-centred",
        _pca(_right_directions, centre=False),
        "the mean over the days is not taken away: the first direction points at what all days share.",
        "Subtract it before the SVD: vectors - vectors.mean(dim=0).",
    ),
    Mistake(
        "centred-for-the-directions-only",
        _pca(_right_directions, coordinates=lambda vectors, centred, found: vectors @ found),
        "the directions are right, but the vectors that are projected on them still hold the mean.",
        "Project the centred vectors.",
    ),
    Mistake(
        "centred-along-the-wrong-axis",
        lambda vectors, k=2: _pca(_right_directions, centre=False)(
            vectors - vectors.mean(-1, keepdim=True), k
        ),
        "each vector's own mean is taken away; wanted the mean over the days.",
        "vectors.mean(dim=0) has shape (d_model,).",
    ),
    Mistake(
        "smallest-directions",
        _pca(lambda centred: torch.linalg.eigh(centred.T @ centred).eigenvectors),
        "these are the directions in which the days differ least.",
        "eigh sorts from small to large: flip its columns. svd sorts from large to small.",
    ),
    Mistake(
        "not-scaled",
        _left_singular,
        "every coordinate has the same spread: the singular values are left out.",
        "Project: centred @ Vh[:k].T, or U[:, :k] * S[:k].",
    ),
    Mistake(
        "rows-not-columns",
        _pca(lambda centred: torch.linalg.svd(centred, full_matrices=False).Vh[:, : len(centred)]),
        "the directions are taken from the columns of Vh; they are its rows.",
        "Vh[:k] holds the first k directions, each of d_model numbers.",
    ),
    Mistake(
        "k-ignored",
        _ignored_k,
        "there are always two coordinates, whatever k is.",
        "Take the first k directions.",
    ),
    Mistake(
        "standardised",
        lambda vectors, k=2: specifications.days_pca((vectors - vectors.mean(0)) / vectors.std(0), k),
        "each dimension is divided by its standard deviation first: this is another PCA.",
        "Take the mean away and nothing else.",
    ),
)
