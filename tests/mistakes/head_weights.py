"""The known wrong ways of chapter 1: what the weights alone say."""

import torch
from transformer_lens import FactoredMatrix

from patchbook.checking import Mistake


def _circuit(*matrices):
    """A product of weights, as a FactoredMatrix cut after the second."""
    first, second, *rest = matrices
    after = torch.linalg.multi_dot(rest) if len(rest) > 1 else rest[0]
    return FactoredMatrix(first @ second, after)


full_OV_circuit = (
    Mistake(
        "rows-are-outputs",
        lambda m, layer, head: _circuit(m.W_E, m.W_V[layer, head], m.W_O[layer, head], m.W_U).T,
        "rows and columns are swapped: source tokens are the rows, output logits the columns.",
        "Vectors are rows here: begin with W_E on the left and end with W_U on the right.",
    ),
    Mistake(
        "qk-circuit",
        lambda m, layer, head: _circuit(m.W_E, m.W_Q[layer, head], m.W_K[layer, head].T, m.W_E.T),
        "this is the QK circuit: which token looks at which. Wanted what the head moves.",
        "Use W_V and W_O, and end with W_U.",
    ),
    Mistake(
        "order-swapped",
        lambda m, layer, head: _circuit(m.W_E, m.W_O[layer, head].T, m.W_V[layer, head].T, m.W_U),
        "W_V and W_O have changed places.",
        "The head first reads with W_V (d_model, d_head), then writes with W_O (d_head, d_model).",
    ),
    Mistake(
        "unembedded-with-W-E",
        lambda m, layer, head: _circuit(m.W_E, m.W_V[layer, head], m.W_O[layer, head], m.W_E.T),
        "the output is compared with the embedding: W_E transposed stands where W_U belongs.",
        "End with model.W_U, of shape (d_model, d_vocab).",
    ),
    Mistake(
        "embedded-with-W-U",
        lambda m, layer, head: _circuit(m.W_U.T, m.W_V[layer, head], m.W_O[layer, head], m.W_U),
        "the source tokens are embedded with W_U transposed; wanted W_E.",
        "Begin with model.W_E, of shape (d_vocab, d_model).",
    ),
    Mistake(
        "no-embedding",
        lambda m, layer, head: FactoredMatrix(m.W_V[layer, head], m.W_O[layer, head]),
        "this is W_V W_O alone: it maps the residual stream to itself.",
        "Put W_E in front and W_U behind: from tokens to logits.",
    ),
    Mistake(
        "no-unembedding",
        lambda m, layer, head: FactoredMatrix(m.W_E @ m.W_V[layer, head], m.W_O[layer, head]),
        "W_U is missing: the columns are directions of the residual stream, not logits.",
        "Multiply by model.W_U on the right.",
    ),
    Mistake(
        "no-embedding-but-unembedding",
        lambda m, layer, head: FactoredMatrix(m.W_V[layer, head], m.W_O[layer, head] @ m.W_U),
        "W_E is missing: the rows are directions of the residual stream, not tokens.",
        "Multiply by model.W_E on the left.",
    ),
    Mistake(
        "direct-path",
        lambda m, layer, head: FactoredMatrix(m.W_E, m.W_U),
        "this is W_E W_U, the direct path without any head.",
        "Put the head's W_V and W_O in the middle.",
    ),
    Mistake(
        "layer-and-head-swapped",
        lambda m, layer, head: _circuit(m.W_E, m.W_V[head, layer], m.W_O[head, layer], m.W_U),
        "layer and head_index have changed places.",
        "The weights are indexed [layer, head].",
    ),
    Mistake(
        "next-head",
        lambda m, layer, head: _circuit(m.W_E, m.W_V[layer, head + 1], m.W_O[layer, head + 1], m.W_U),
        "this is the head after the one asked for.",
        "Heads are counted from 0, as indices are.",
    ),
    Mistake(
        "always-layer-0",
        lambda m, layer, head: _circuit(m.W_E, m.W_V[0, head], m.W_O[0, head], m.W_U),
        "the head is always taken from layer 0.",
        "Use both arguments: W_V[layer, head_index].",
    ),
    Mistake(
        "whole-layer",
        lambda m, layer, head: FactoredMatrix(m.W_E @ m.W_V[layer], m.W_O[layer] @ m.W_U),
        "these are the circuits of all heads of the layer, stacked.",
        "Select one head: W_V[layer, head_index], W_O[layer, head_index].",
    ),
)


def _own(matrix, pick):
    """The fraction of rows in which pick(rows) is the row's own number."""
    rows = matrix.AB
    return (pick(rows) == torch.arange(len(rows))).double().mean().item()


def _rank_of_own(matrix):
    """How many entries of each row are larger than the row's own."""
    full = matrix.AB
    return (full > full.diagonal()[:, None]).sum(dim=-1)


top_1_accuracy = (
    Mistake(
        "columns-not-rows",
        lambda matrix: _own(matrix, lambda full: full.argmax(dim=0)),
        "the largest entry is looked for in each column: which source raises this logit most?",
        "Rows are source tokens: take the argmax along the last axis.",
    ),
    Mistake(
        "counted",
        lambda matrix: _own(matrix, lambda full: full.argmax(dim=-1)) * matrix.A.shape[0],
        "this is the number of tokens; wanted the fraction.",
        "Divide by the number of rows.",
    ),
    Mistake(
        "percent",
        lambda matrix: _own(matrix, lambda full: full.argmax(dim=-1)) * 100,
        "this is in percent; wanted a fraction from 0 to 1.",
        "Do not multiply by 100.",
    ),
    Mistake(
        "errors-counted",
        lambda matrix: 1 - _own(matrix, lambda full: full.argmax(dim=-1)),
        "this is the fraction of tokens that are not their own largest logit.",
        "Count where argmax and row number are equal.",
    ),
    Mistake(
        "off-by-one",
        lambda matrix: _own(matrix, lambda full: full.argmax(dim=-1) - 1),
        "each row is compared with the number after its own.",
        "Row numbers start at 0: torch.arange(n).",
    ),
    Mistake(
        "smallest",
        lambda matrix: _own(matrix, lambda full: full.argmin(dim=-1)),
        "this asks for the smallest entry of each row.",
        "Use argmax.",
    ),
    Mistake(
        "largest-size",
        lambda matrix: _own(matrix, lambda full: full.abs().argmax(dim=-1)),
        "the sign is ignored: a very negative logit counts as large.",
        "Take the argmax of the entries themselves, not of their absolute values.",
    ),
    Mistake(
        "positive-diagonal",
        lambda matrix: (matrix.AB.diagonal() > 0).double().mean().item(),
        "this asks whether each token's own logit is positive; wanted: the largest of its row.",
        "Compare the row's argmax with the row's number.",
    ),
    Mistake(
        "sum-of-diagonal",
        lambda matrix: matrix.AB.diagonal().sum().item(),
        "this adds up the tokens' own logits.",
        "Count the rows in which the own logit is the largest, and divide by their number.",
    ),
    Mistake(
        "mean-of-diagonal",
        lambda matrix: matrix.AB.diagonal().mean().item(),
        "this is the mean of the tokens' own logits.",
        "Count the rows in which the own logit is the largest, and divide by their number.",
    ),
    Mistake(
        "probability",
        lambda matrix: matrix.AB.softmax(dim=-1).diagonal().mean().item(),
        "this is the mean softmax probability of the own token; wanted how often it comes first.",
        "Compare the row's argmax with the row's number.",
    ),
    Mistake(
        "top-5",
        lambda matrix: (_rank_of_own(matrix) < 5).double().mean().item(),
        "a token counts when it is among its row's five largest.",
        "Top 1 means the largest alone: argmax.",
    ),
    Mistake(
        "first-rows-only",
        lambda matrix: _own(FactoredMatrix(matrix.A[:50], matrix.B), lambda full: full.argmax(dim=-1)),
        "only the first 50 rows are looked at.",
        "Go on to the last row: torch.arange(n).split(size) covers them all.",
    ),
)


def _size(W, ord="fro"):
    return torch.linalg.matrix_norm(W, ord=ord).item()


def _comp(W_A, W_B, ord="fro"):
    return _size(W_A @ W_B, ord) / (_size(W_A, ord) * _size(W_B, ord))


get_comp_score = (
    Mistake(
        "not-normalised",
        lambda W_A, W_B: _size(W_A @ W_B),
        "the product's norm is not divided by the norms of the factors.",
        "Divide by the norm of W_A times the norm of W_B.",
    ),
    Mistake(
        "norms-not-multiplied",
        lambda W_A, W_B: _size(W_A @ W_B) / _size(W_A) * _size(W_B),
        "it divides by one norm and multiplies by the other: a / b * c is (a / b) * c.",
        "Put brackets around the denominator: a / (b * c).",
    ),
    Mistake(
        "norms-added",
        lambda W_A, W_B: _size(W_A @ W_B) / (_size(W_A) + _size(W_B)),
        "the norms in the denominator are added; wanted their product.",
        "Divide by the norm of W_A times the norm of W_B.",
    ),
    Mistake(
        "only-W-A",
        lambda W_A, W_B: _size(W_A @ W_B) / _size(W_A),
        "it divides by the norm of W_A only.",
        "Divide by the norm of W_B too.",
    ),
    Mistake(
        "only-W-B",
        lambda W_A, W_B: _size(W_A @ W_B) / _size(W_B),
        "it divides by the norm of W_B only.",
        "Divide by the norm of W_A too.",
    ),
    Mistake(
        "squared",
        lambda W_A, W_B: _comp(W_A, W_B) ** 2,
        "this is the square of the score: the Frobenius norm has a root.",
        "The norm is the root of the sum of squares: W.norm().",
    ),
    Mistake(
        "spectral-norm",
        lambda W_A, W_B: _comp(W_A, W_B, 2),
        "these are spectral norms (the largest singular value); wanted Frobenius norms.",
        "torch.linalg.matrix_norm(W) without `ord`, or W.norm().",
    ),
    Mistake(
        "trace-norm",
        lambda W_A, W_B: _comp(W_A, W_B, "nuc"),
        "these are trace (nuclear) norms, the sum of singular values; wanted Frobenius norms.",
        "torch.linalg.matrix_norm(W) without `ord`, or W.norm().",
    ),
    Mistake(
        "absolute-sum",
        lambda W_A, W_B: ((W_A @ W_B).abs().sum() / (W_A.abs().sum() * W_B.abs().sum())).item(),
        "these are sums of absolute values; wanted Frobenius norms.",
        "The Frobenius norm is the root of the sum of squares: W.norm().",
    ),
    Mistake(
        "order-swapped",
        lambda W_A, W_B: _comp(W_B, W_A),
        "the matrices are multiplied in the wrong order.",
        "Vectors are rows here: x @ W_A @ W_B applies W_A first.",
    ),
    Mistake(
        "inverted",
        lambda W_A, W_B: 1 / _comp(W_A, W_B),
        "the fraction stands on its head.",
        "The product's norm is above the line.",
    ),
)


def _pairs(write, read, score=_comp):
    """score(write(model, earlier head), read(model, later head)) for all pairs of heads."""

    def wrong(m):
        heads = range(m.cfg.n_heads)
        return torch.tensor([[score(write(m, i), read(m, j)) for j in heads] for i in heads])

    return wrong


def _ov(m, head, layer=0):
    return m.W_V[layer, head] @ m.W_O[layer, head]


def _qk(m, head, layer=1):
    return m.W_Q[layer, head] @ m.W_K[layer, head].T


k_composition_scores = (
    Mistake(
        "q-composition",
        _pairs(_ov, _qk),
        "this is Q-composition: the earlier heads write into the later heads' queries.",
        "Keys come in on the right side of W_QK: transpose it, so that W_OV meets that side.",
    ),
    Mistake(
        "v-composition",
        _pairs(_ov, lambda m, j: _ov(m, j, 1)),
        "this is V-composition: the earlier heads write into what the later heads move.",
        "Use the later head's W_QK = W_Q @ W_K.T, transposed.",
    ),
    Mistake(
        "order-swapped",
        _pairs(_ov, lambda m, j: _qk(m, j).T, lambda W_A, W_B: _comp(W_B, W_A)),
        "the matrices are multiplied in the wrong order: the later head comes first.",
        "get_comp_score(W_A, W_B) takes the head that writes first: W_OV of layer 0.",
    ),
    Mistake(
        "writes-transposed",
        _pairs(lambda m, i: _ov(m, i).T, lambda m, j: _qk(m, j).T),
        "W_OV is transposed: what the head reads is taken for what it writes.",
        "W_OV = W_V @ W_O, used as it is; only W_QK is transposed.",
    ),
    Mistake(
        "only-W-O",
        _pairs(lambda m, i: m.W_O[0, i], lambda m, j: _qk(m, j).T),
        "the earlier head is W_O alone; wanted all of W_OV.",
        "W_OV = W_V @ W_O, of shape (d_model, d_model).",
    ),
    Mistake(
        "only-W-K",
        _pairs(_ov, lambda m, j: m.W_K[1, j]),
        "the later head is W_K alone; wanted all of W_QK.",
        "W_QK = W_Q @ W_K.T, of shape (d_model, d_model), then transposed.",
    ),
    Mistake(
        "last-layers",
        _pairs(lambda m, i: _ov(m, i, m.cfg.n_layers - 2), lambda m, j: _qk(m, j, m.cfg.n_layers - 1).T),
        "these are the last two layers; wanted layers 0 and 1.",
        "Index the layers from the front: W_V[0], W_Q[1].",
    ),
    Mistake(
        "layers-swapped",
        _pairs(lambda m, i: _ov(m, i, 1), lambda m, j: _qk(m, j, 0).T),
        "the layers have changed places: layer 1 would write into layer 0, which ran before it.",
        "Layer 0 writes (W_OV), layer 1 reads (W_QK).",
    ),
    Mistake(
        "one-layer",
        _pairs(_ov, lambda m, j: _qk(m, j, 0).T),
        "both heads are of layer 0.",
        "The reading head is of layer 1: W_Q[1], W_K[1].",
    ),
    Mistake(
        "not-normalised",
        _pairs(_ov, lambda m, j: _qk(m, j).T, lambda W_A, W_B: _size(W_A @ W_B)),
        "the products' norms are not divided by the norms of the factors.",
        "Use get_comp_score.",
    ),
    Mistake(
        "spectral-norm",
        _pairs(_ov, lambda m, j: _qk(m, j).T, lambda W_A, W_B: _comp(W_A, W_B, 2)),
        "these are spectral norms (the largest singular value); wanted Frobenius norms.",
        "torch.linalg.matrix_norm(W) without `ord`, or W.norm().",
    ),
)
