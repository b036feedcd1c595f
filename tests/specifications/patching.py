"""What chapter 2's exercises must compute: activation patching, its hooks and its sweeps.

The sweeps rebuild the forward pass (`forward_pass`) instead of hooking it. tests/project compares them
with transformer_lens.patching.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.hook_points import HookPoint

from patchbook.tests.specifications.forward_pass import forward

Metric = Callable[[Float[Tensor, "batch pos d_vocab"]], Float[Tensor, ""]]


def patch_residual_component(
    corrupted_residual_component: Float[Tensor, "batch pos d_model"],
    hook: HookPoint,
    pos: int,
    clean_cache: ActivationCache,
) -> Float[Tensor, "batch pos d_model"]:
    """The corrupted activation, with the clean run's at one position."""
    patched = corrupted_residual_component.clone()
    patched[:, pos] = clean_cache[hook.name][:, pos]
    return patched


def _one_by_one(name: str, axis: int, model, corrupted_tokens, clean_cache, patching_metric) -> Tensor:
    """The metric, [layer index], where one index along `axis` of one layer's `name` is the clean run's."""
    layers, indices = model.cfg.n_layers, clean_cache[name, 0].shape[axis]
    results = torch.zeros(layers, indices, dtype=model.W_E.dtype)
    for patched_layer in range(layers):
        for index in range(indices):

            def edit(its_name, layer, activation, patched_layer=patched_layer, index=index):
                if (its_name, layer) != (name, patched_layer):
                    return activation
                activation = activation.clone()
                activation.select(axis, index).copy_(clean_cache[name, layer].select(axis, index))
                return activation

            results[patched_layer, index] = patching_metric(forward(model, corrupted_tokens, edit))
    return results


def get_act_patch_resid_pre(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric,
) -> Float[Tensor, "layer pos"]:
    """The residual stream before each layer, one position at a time."""
    return _one_by_one("resid_pre", 1, model, corrupted_tokens, clean_cache, patching_metric)


def get_act_patch_block_every(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric,
) -> Float[Tensor, "3 layer pos"]:
    """resid_pre, attn_out and mlp_out, one position at a time."""
    names = ("resid_pre", "attn_out", "mlp_out")
    return torch.stack(
        [_one_by_one(n, 1, model, corrupted_tokens, clean_cache, patching_metric) for n in names]
    )


def patch_head_vector(
    corrupted_head_vector: Float[Tensor, "batch pos head d_head"],
    hook: HookPoint,
    head_index: int,
    clean_cache: ActivationCache,
) -> Float[Tensor, "batch pos head d_head"]:
    """The corrupted activation, with one head's from the clean run."""
    patched = corrupted_head_vector.clone()
    patched[:, :, head_index] = clean_cache[hook.name][:, :, head_index]
    return patched


def patch_attn_patterns(
    corrupted_head_pattern: Float[Tensor, "batch head query key"],
    hook: HookPoint,
    head_index: int,
    clean_cache: ActivationCache,
) -> Float[Tensor, "batch head query key"]:
    """The corrupted patterns, with one head's from the clean run."""
    patched = corrupted_head_pattern.clone()
    patched[:, head_index] = clean_cache[hook.name][:, head_index]
    return patched


def get_act_patch_attn_head_out_all_pos(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric,
) -> Float[Tensor, "layer head"]:
    """Each head's output z."""
    return _one_by_one("z", 2, model, corrupted_tokens, clean_cache, patching_metric)


def get_act_patch_attn_head_all_pos_every(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric,
) -> Float[Tensor, "5 layer head"]:
    """Each head's z, q, k, v and pattern."""
    head_axes = {"z": 2, "q": 2, "k": 2, "v": 2, "pattern": 1}
    return torch.stack(
        [
            _one_by_one(n, axis, model, corrupted_tokens, clean_cache, patching_metric)
            for n, axis in head_axes.items()
        ]
    )
