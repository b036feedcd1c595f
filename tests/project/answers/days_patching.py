"""Answers to chapter 4: the sweep over MLP outputs."""

import torch
from transformer_lens import patching
from transformer_lens.utilities import get_act_name

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


# get_act_patch_mlp_out
def sweep(model, corrupted_tokens, clean_cache, patching_metric, edit, name="mlp_out"):
    """edit(activation, clean activation, pos) edits the activation in place."""
    results = torch.zeros(model.cfg.n_layers, corrupted_tokens.shape[1], dtype=model.cfg.dtype)
    for layer in range(model.cfg.n_layers):
        for pos in range(corrupted_tokens.shape[1]):

            def hook_function(activation, hook, pos=pos):
                edit(activation, clean_cache[hook.name], pos)
                return activation

            hooks = [(get_act_name(name, layer), hook_function)]
            logits = model.run_with_hooks(corrupted_tokens, fwd_hooks=hooks)
            results[layer, pos] = patching_metric(logits).detach()
    return results


def at_one_position(activation, clean, pos):
    activation[:, pos] = clean[:, pos]


@right("get_act_patch_mlp_out")
def two_loops(model, corrupted_tokens, clean_cache, patching_metric):
    with torch.no_grad():
        return sweep(model, corrupted_tokens, clean_cache, patching_metric, at_one_position)


@right("get_act_patch_mlp_out")
def rows_of_a_list(model, corrupted_tokens, clean_cache, patching_metric):
    def value(layer, pos):
        def patch(activation, hook):
            here = torch.arange(activation.shape[1])[:, None] == pos
            return torch.where(here, clean_cache["mlp_out", layer], activation)

        hooks = [(f"blocks.{layer}.hook_mlp_out", patch)]
        return patching_metric(model.run_with_hooks(corrupted_tokens, fwd_hooks=hooks))

    positions = range(corrupted_tokens.shape[1])
    return torch.stack([torch.stack([value(i, p) for p in positions]) for i in range(model.cfg.n_layers)])


@right("get_act_patch_mlp_out")
def add_hook_and_reset(model, corrupted_tokens, clean_cache, patching_metric):
    values = []
    for layer in range(model.cfg.n_layers):
        for pos in range(corrupted_tokens.shape[1]):

            def patch(activation, hook, pos=pos):
                activation = activation.clone()
                activation[:, pos] = clean_cache[hook.name][:, pos]
                return activation

            model.add_hook(get_act_name("mlp_out", layer), patch)
            values.append(patching_metric(model(corrupted_tokens)))
            model.reset_hooks()
    return torch.stack(values).reshape(model.cfg.n_layers, -1)


@wrong("get_act_patch_mlp_out", "all-positions")
def the_whole_activation(model, corrupted_tokens, clean_cache, patching_metric):
    with torch.no_grad():
        return sweep(model, corrupted_tokens, clean_cache, patching_metric, lambda a, c, pos: a.copy_(c))


@wrong("get_act_patch_mlp_out", "attn-out-instead")
def patched_the_attention(model, corrupted_tokens, clean_cache, patching_metric):
    with torch.no_grad():
        return sweep(model, corrupted_tokens, clean_cache, patching_metric, at_one_position, "attn_out")


@wrong("get_act_patch_mlp_out", "resid-pre-instead")
def patched_the_stream(model, corrupted_tokens, clean_cache, patching_metric):
    with torch.no_grad():
        return sweep(model, corrupted_tokens, clean_cache, patching_metric, at_one_position, "resid_pre")


@wrong("get_act_patch_mlp_out", "nothing-patched")
def ran_without_the_hook(model, corrupted_tokens, clean_cache, patching_metric):
    value = patching_metric(model(corrupted_tokens))
    return value.repeat(model.cfg.n_layers, corrupted_tokens.shape[1])


@wrong("get_act_patch_mlp_out", "transposed")
def positions_first(model, corrupted_tokens, clean_cache, patching_metric):
    return two_loops(model, corrupted_tokens, clean_cache, patching_metric).T.contiguous()


@wrong("get_act_patch_mlp_out", "hooks-left")
def never_reset(model, corrupted_tokens, clean_cache, patching_metric):
    for layer in range(model.cfg.n_layers):
        model.add_hook(get_act_name("mlp_out", layer), lambda activation, hook: activation)
    return two_loops(model, corrupted_tokens, clean_cache, patching_metric)


@wrong("get_act_patch_mlp_out", "baseline-subtracted")
def gain_over_the_corrupted_run(model, corrupted_tokens, clean_cache, patching_metric):
    values = two_loops(model, corrupted_tokens, clean_cache, patching_metric)
    return values - patching_metric(model(corrupted_tokens))


@wrong("get_act_patch_mlp_out", "last-layer-missing")
def one_layer_less(model, corrupted_tokens, clean_cache, patching_metric):
    values = two_loops(model, corrupted_tokens, clean_cache, patching_metric)
    values[-1] = 0
    return values


@wrong("get_act_patch_mlp_out", "ready-made")
def asked_transformer_lens(model, corrupted_tokens, clean_cache, patching_metric):
    return patching.get_act_patch_mlp_out(model, corrupted_tokens, clean_cache, patching_metric)
