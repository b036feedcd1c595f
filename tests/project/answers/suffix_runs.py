"""Answers to chapter 5: running a model from the middle."""

import torch

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def through(model, residual, layers):
    for layer in layers:
        output = model.blocks[layer](residual)
        residual = output[0] if isinstance(output, tuple) else output
    return residual


@right("run_from")
def block_by_block(model, residual, layer, positions):
    for block in model.blocks[layer:]:
        output = block(residual)
        residual = output[0] if isinstance(output, tuple) else output
    return model.unembed(model.ln_final(residual[:, positions]))


@right("run_from")
def all_logits_then_some(model, residual, layer, positions):
    x = through(model, residual, range(layer, model.cfg.n_layers))
    return model.unembed(model.ln_final(x))[:, positions]


@right("run_from")
def one_position_at_a_time(model, residual, layer, positions):
    x = through(model, residual, range(layer, model.cfg.n_layers))
    return torch.stack([model.ln_final(x[:, at]) @ model.W_U + model.b_U for at in positions], dim=1)


@wrong("run_from", "layer-skipped")
def starts_behind_the_layer(model, residual, layer, positions):
    return block_by_block(model, residual, layer + 1, positions)


@wrong("run_from", "whole-model")
def slice_forgotten(model, residual, layer, positions):
    return block_by_block(model, residual, 0, positions)


@wrong("run_from", "no-final-norm")
def straight_to_the_logits(model, residual, layer, positions):
    x = through(model, residual, range(layer, model.cfg.n_layers))
    return x[:, positions] @ model.W_U + model.b_U


@wrong("run_from", "no-bias")
def weights_alone(model, residual, layer, positions):
    x = through(model, residual, range(layer, model.cfg.n_layers))
    return model.ln_final(x[:, positions]) @ model.W_U


@wrong("run_from", "cut-too-early")
def positions_first(model, residual, layer, positions):
    x = through(model, residual[:, positions], range(layer, model.cfg.n_layers))
    return model.unembed(model.ln_final(x))


@wrong("run_from", "last-layer-missed")
def one_short(model, residual, layer, positions):
    x = through(model, residual, range(layer, model.cfg.n_layers - 1))
    return model.unembed(model.ln_final(x[:, positions]))


@wrong("run_from", "contract")
def every_position(model, residual, layer, positions):
    x = through(model, residual, range(layer, model.cfg.n_layers))
    return model.unembed(model.ln_final(x))


@wrong("run_from", "hooks-left")
def by_a_hook_that_stays(model, residual, layer, positions):
    if layer == model.cfg.n_layers:
        return model.unembed(model.ln_final(residual[:, positions]))
    model.add_hook(f"blocks.{layer}.hook_resid_pre", lambda x, hook: residual)
    tokens = torch.zeros(residual.shape[:2], dtype=torch.long)
    return model(tokens)[:, positions]
