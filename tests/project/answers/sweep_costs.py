"""Answers to chapter 5: what a sweep must cost."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def cost(n_layers, length, d_model, d_mlp, from_layer, from_position, each=2, mlp=2, mix=2, off=0):
    at_one_position = each * (4 * d_model**2 + mlp * d_model * d_mlp + mix * length * d_model)
    layers = n_layers * (n_layers + 1) // 2 - off * n_layers if from_layer else n_layers**2
    positions = length * (length + 1) // 2 if from_position else length**2
    return at_one_position * layers * positions


@right("sweep_flops")
def in_closed_form(*arguments):
    return cost(*arguments)


@right("sweep_flops")
def patch_by_patch(n_layers, length, d_model, d_mlp, from_layer, from_position):
    total = 0
    for layer in range(n_layers):
        for at in range(length):
            for _ in range(layer if from_layer else 0, n_layers):
                changed = length - (at if from_position else 0)
                total += 8 * changed * d_model**2 + 4 * changed * d_model * d_mlp
                total += 4 * changed * length * d_model
    return total


@right("sweep_flops")
def with_tensors(n_layers, length, d_model, d_mlp, from_layer, from_position):
    layers = torch.arange(1, n_layers + 1) if from_layer else torch.full((n_layers,), n_layers)
    positions = torch.arange(1, length + 1) if from_position else torch.full((length,), length)
    each = 8 * d_model**2 + 4 * d_model * (d_mlp + length)
    return int(torch.outer(layers, positions).sum()) * each


@wrong("sweep_flops", "once")
def multiplications_only(*arguments):
    return cost(*arguments, each=1)


@wrong("sweep_flops", "no-attention")
def matrices_only(*arguments):
    return cost(*arguments, mix=0)


@wrong("sweep_flops", "scores-only")
def no_mix(*arguments):
    return cost(*arguments, mix=1)


@wrong("sweep_flops", "half-an-mlp")
def one_matrix(*arguments):
    return cost(*arguments, mlp=1)


@wrong("sweep_flops", "layer-after")
def behind_the_layer(*arguments):
    return cost(*arguments, off=1)


@wrong("sweep_flops", "from-position-ignored")
def layers_only(*arguments):
    return cost(*arguments[:-1], False)


@wrong("sweep_flops", "one-patch")
def mean_of_patches(n_layers, length, *arguments):
    return cost(n_layers, length, *arguments) // (n_layers * length)
