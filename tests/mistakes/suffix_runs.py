"""The known wrong ways of chapter 5: running a model from the middle."""

import functools

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications.forward_pass import attention, mlp, normalise, unchanged


def _run(model, residual, layer, positions, **wrong):
    """run_from with one thing wrong."""
    x = residual
    layers = range(layer, model.cfg.n_layers)
    if wrong.get("late"):
        layers = range(layer + 1, model.cfg.n_layers)
    if wrong.get("all"):
        layers = range(model.cfg.n_layers)
    if wrong.get("short"):
        layers = range(layer, model.cfg.n_layers - 1)
    for number in [] if wrong.get("none") else layers:
        x = x + attention(model, number, normalise(model, x), unchanged)
        x = x + mlp(model, number, normalise(model, x))
    x = x if wrong.get("no_norm") else normalise(model, x)
    logits = x @ model.W_U + (0 if wrong.get("no_bias") else model.b_U)
    at = positions
    if wrong.get("sorted"):
        at = sorted(position % x.shape[1] for position in positions)
    if wrong.get("first"):
        at = list(range(len(positions)))
    return logits[:, at]


def _cut(model, residual, layer, positions):
    """Forgets that the other positions are still read."""
    rows = [position % residual.shape[1] for position in positions]
    return _run(model, residual[:, rows], layer, list(range(len(rows))))


def _log_probabilities(model, residual, layer, positions):
    return torch.log_softmax(_run(model, residual, layer, positions), dim=-1)


def _wrong(**wrong):
    return functools.partial(_run, **wrong)


run_from = (
    Mistake(
        "layer-skipped",
        _wrong(late=True),
        "the first layer is skipped: the residual is the stream before it.",
        "Start with `model.blocks[layer]` itself: model.blocks[layer:].",
    ),
    Mistake(
        "whole-model",
        _wrong(all=True),
        "every layer runs, whatever `layer` is.",
        "Only the blocks from `layer` on: model.blocks[layer:].",
    ),
    Mistake(
        "last-layer-missed",
        _wrong(short=True),
        "the last layer does not run.",
        "model.blocks[layer:] goes to the end by itself.",
    ),
    Mistake(
        "no-layers",
        _wrong(none=True),
        "no layer runs: this is the logit lens.",
        "Send the residual through model.blocks[layer:], one after the other.",
    ),
    Mistake(
        "no-final-norm",
        _wrong(no_norm=True),
        "the final LayerNorm is missing.",
        "model.unembed(model.ln_final(residual)).",
    ),
    Mistake(
        "no-bias",
        _wrong(no_bias=True),
        "b_U is missing.",
        "model.unembed adds it; `@ model.W_U` does not.",
    ),
    Mistake(
        "cut-too-early",
        _cut,
        "only the wanted positions run, and so attention reads none of the others.",
        "Send all positions through the blocks, and take the wanted ones before the unembedding.",
    ),
    Mistake(
        "positions-sorted",
        _wrong(sorted=True),
        "the positions come in rising order; wanted the order in which they are asked for.",
        "Index with the list itself: residual[:, positions].",
    ),
    Mistake(
        "first-positions",
        _wrong(first=True),
        "it gives the first positions, as many as were asked for.",
        "Index with the list itself: residual[:, positions].",
    ),
    Mistake(
        "log-probabilities",
        _log_probabilities,
        "these are log-probabilities; wanted logits.",
        "Leave log_softmax out.",
    ),
)
