"""The known wrong ways of chapter 5: what a sweep must cost."""

import functools

from patchbook.checking import Mistake


def _flops(n_layers, length, d_model, d_mlp, from_layer, from_position, **wrong):
    """sweep_flops with one thing wrong."""
    if wrong.get("from_layer_ignored"):
        from_layer = False
    if wrong.get("from_position_ignored"):
        from_position = False
    matrices = 2 * d_model * d_mlp * (not wrong.get("no_mlp"))
    matrices += wrong.get("of_attention", 4) * d_model**2
    if wrong.get("half_mlp"):
        matrices -= d_model * d_mlp
    attention = 0 if wrong.get("no_attention") else (1 if wrong.get("scores_only") else 2) * length * d_model
    operations = (1 if wrong.get("once") else 2) * (matrices + attention)
    late, after = wrong.get("late", 0), wrong.get("after", 0)
    layers = sum(n_layers - layer - late if from_layer else n_layers for layer in range(n_layers))
    positions = sum(length - at - after if from_position else length for at in range(length))
    if wrong.get("one_patch"):
        return operations * layers * positions // (n_layers * length)
    return operations * layers * positions


def _wrong(**wrong):
    return functools.partial(_flops, **wrong)


sweep_flops = (
    Mistake(
        "once",
        _wrong(once=True),
        "each multiplication counts once; with the sum that follows it is two operations.",
        "A product of (a, b) and (b, c) takes 2·a·b·c operations.",
    ),
    Mistake(
        "no-attention",
        _wrong(no_attention=True),
        "attention's own products are missing.",
        "A query meets `length` keys, and mixes as many values: 2 · 2 · length · d_model.",
    ),
    Mistake(
        "scores-only",
        _wrong(scores_only=True),
        "attention counts its scores only, not the mix of values that follows.",
        "Both take 2 · length · d_model operations at each position.",
    ),
    Mistake(
        "three-matrices",
        _wrong(of_attention=3),
        "W_O is missing: attention has four matrices.",
        "q, k, v and o: 4 · d_model².",
    ),
    Mistake(
        "no-mlp",
        _wrong(no_mlp=True),
        "the MLP is missing.",
        "It has two matrices of d_model · d_mlp.",
    ),
    Mistake(
        "half-an-mlp",
        _wrong(half_mlp=True),
        "the MLP has one matrix only.",
        "It has two: 2 · d_model · d_mlp.",
    ),
    Mistake(
        "layer-after",
        _wrong(late=1),
        "the patched layer itself is not counted. resid_pre is what it reads: it has to run.",
        "n_layers - layer layers run.",
    ),
    Mistake(
        "position-after",
        _wrong(after=1),
        "the patched position itself is not counted.",
        "length - position positions change.",
    ),
    Mistake(
        "from-layer-ignored",
        _wrong(from_layer_ignored=True),
        "from_layer makes no difference.",
        "With it, only n_layers - layer layers run.",
    ),
    Mistake(
        "from-position-ignored",
        _wrong(from_position_ignored=True),
        "from_position makes no difference.",
        "With it, only length - position positions run.",
    ),
    Mistake(
        "one-patch",
        _wrong(one_patch=True),
        "this is the mean cost of one patch; wanted that of the whole sweep.",
        "Sum over all layers and positions.",
    ),
)
