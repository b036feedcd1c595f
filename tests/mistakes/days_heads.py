"""The known wrong ways of chapter 4: tables of heads, the OV circuit, the days' circle."""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import days_heads as specifications
from patchbook.tests.specifications import days_words


def _heads(row):
    """row(layer, head, x, y) -> what stands for one head, wrong in some way."""

    def wrong(x, y):
        return [row(i, j, x[i, j].item(), y[i, j].item()) for i in range(len(x)) for j in range(x.shape[1])]

    return wrong


def _head_by_head(x, y):
    rows = specifications.scatter_rows(x, y)
    return [row for head in range(x.shape[1]) for row in rows[head :: x.shape[1]]]


scatter_rows = (
    Mistake(
        "x-and-y-swapped",
        _heads(lambda layer, head, x, y: (f"L{layer}H{head}", layer, y, x)),
        "x and y have changed places.",
        "The order is label, layer, x, y.",
    ),
    Mistake(
        "layer-and-head-swapped",
        _heads(lambda layer, head, x, y: (f"L{head}H{layer}", layer, x, y)),
        "layer and head have changed places in the labels.",
        "L1H4 is head 4 of layer 1. Rows of the tensors are layers.",
    ),
    Mistake(
        "head-for-layer",
        _heads(lambda layer, head, x, y: (f"L{layer}H{head}", head, x, y)),
        "the second entry is the head; wanted the layer, which gives the colour.",
        "The order is label, layer, x, y.",
    ),
    Mistake(
        "counted-from-1",
        _heads(lambda layer, head, x, y: (f"L{layer + 1}H{head + 1}", layer + 1, x, y)),
        "layers and heads are counted from 1.",
        "The first head of the first layer is L0H0.",
    ),
    Mistake(
        "dotted-labels",
        _heads(lambda layer, head, x, y: (f"{layer}.{head}", layer, x, y)),
        "the labels are written with a dot; wanted 'L1H4'.",
        'Write f"L{layer}H{head}".',
    ),
    Mistake(
        "head-by-head",
        _head_by_head,
        "the rows go through the heads first; wanted layer by layer.",
        "The outer loop runs over layers, the inner one over heads.",
    ),
    Mistake(
        "absolute",
        _heads(lambda layer, head, x, y: (f"L{layer}H{head}", layer, abs(x), abs(y))),
        "the values have lost their sign.",
        "Leave abs out: a head that works against the answer lies on the other side of zero.",
    ),
    Mistake(
        "x-twice",
        _heads(lambda layer, head, x, y: (f"L{layer}H{head}", layer, x, x)),
        "y repeats x: all points lie on the diagonal.",
        "Read the fourth entry from the second tensor.",
    ),
    Mistake(
        "four-columns",
        lambda x, y: tuple(zip(*specifications.scatter_rows(x, y), strict=True)),
        "these are four columns; wanted a list with one tuple for each head.",
        "Collect the four entries of a head in one tuple, and the tuples in a list.",
    ),
    Mistake(
        "last-layer-missing",
        lambda x, y: specifications.scatter_rows(x[:-1], y[:-1]),
        "the last layer's heads are missing.",
        "Loop over all rows of the tensors.",
    ),
)


def _by_third(third_of, keep=lambda value, threshold: abs(value) >= threshold, label="L{layer}H{head}"):
    """third_of(layer, layers) -> the name of the third a layer is put in."""

    def wrong(patched, threshold):
        layers, heads = patched.shape
        found = {"early": [], "middle": [], "late": []}
        for layer in range(layers):
            for head in range(heads):
                if keep(patched[layer, head].item(), threshold):
                    found[third_of(layer, layers)].append(label.format(layer=layer, head=head))
        return found

    return wrong


def _third(layer, layers):
    return ("early", "middle", "late")[3 * layer // layers]


def _floored_third(layer, layers):
    return "early" if layer < layers // 3 else "late" if layer >= 2 * (layers // 3) else "middle"


def _third_with_its_end(layer, layers):
    return "early" if 3 * layer <= layers else "late" if 3 * layer > 2 * layers else "middle"


def _by_value(patched, threshold):
    """Into thirds by how large they are instead of by layer."""
    everyone = [
        label for labels in specifications.heads_by_depth(patched, threshold).values() for label in labels
    ]
    everyone.sort(key=lambda label: abs(patched[tuple(map(int, label[1:].split("H")))].item()))
    n = len(everyone)
    names = ("early", "middle", "late")
    return {name: everyone[i * n // 3 : (i + 1) * n // 3] for i, name in enumerate(names)}


heads_by_depth = (
    Mistake(
        "sign-matters",
        _by_third(_third, keep=lambda value, threshold: value >= threshold),
        "heads with a large negative value are left out.",
        "Compare the size: abs(value) >= threshold. A head that works against the answer matters, too.",
    ),
    Mistake(
        "strictly-above",
        _by_third(_third, keep=lambda value, threshold: abs(value) > threshold),
        "a head whose size is exactly the threshold is left out.",
        "At least `threshold` means >=.",
    ),
    Mistake(
        "below-the-threshold",
        _by_third(_third, keep=lambda value, threshold: abs(value) < threshold),
        "these are the heads below the threshold.",
        "Keep a head where abs(value) >= threshold.",
    ),
    Mistake(
        "no-threshold",
        _by_third(_third, keep=lambda value, threshold: True),
        "all heads are in the lists, however small their value.",
        "Keep a head where abs(value) >= threshold.",
    ),
    Mistake(
        "early-and-late-swapped",
        _by_third(
            lambda layer, layers: {"early": "late", "late": "early"}.get(_third(layer, layers), "middle")
        ),
        "early and late have changed places.",
        "Layer 0 is early.",
    ),
    Mistake(
        "layer-and-head-swapped",
        _by_third(_third, label="L{head}H{layer}"),
        "layer and head have changed places in the labels.",
        "L1H4 is head 4 of layer 1. Rows of the tensor are layers.",
    ),
    Mistake(
        "halves",
        _by_third(lambda layer, layers: "early" if 2 * layer < layers else "late"),
        "the layers are cut in two halves; wanted thirds.",
        "Early is layer < n_layers / 3, late is layer >= 2 n_layers / 3.",
    ),
    Mistake(
        "thirds-rounded-down",
        _by_third(_floored_third),
        "n_layers // 3 is rounded down: where 3 does not divide the layers, some are in the next third.",
        "Compare whole numbers, and round nothing: early is 3 * layer < n_layers.",
    ),
    Mistake(
        "boundary-layers-in-the-third-before",
        _by_third(_third_with_its_end),
        "a layer at exactly a third, or at two thirds, is put into the third before.",
        "Early is below a third: <. Late begins at two thirds: >=.",
    ),
    Mistake(
        "counted-from-1",
        _by_third(lambda layer, layers: _third(min(layer + 1, layers - 1), layers)),
        "layers are counted from 1 when they are put into thirds.",
        "The first layer is layer 0.",
    ),
    Mistake(
        "first-and-last-layer",
        _by_third(lambda layer, layers: {0: "early", layers - 1: "late"}.get(layer, "middle")),
        "only the first layer is early and only the last is late.",
        "Early is layer < n_layers / 3, late is layer >= 2 n_layers / 3.",
    ),
    Mistake(
        "thirds-of-the-values",
        _by_value,
        "the heads are put into thirds by their value; wanted by their layer.",
        "The third follows from the layer alone, the threshold decides who is in at all.",
    ),
)


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
