"""What chapter 2's exercises must compute: path patching, its hooks and its sweeps.

Source of the definitions: Wang et al. 2022, arXiv 2211.00593. MLPs and LayerNorm are recomputed along
a path; only the other heads' outputs are frozen.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.hook_points import HookPoint

from patchbook.tests.specifications.forward_pass import forward

Head = tuple[int, int]  # (layer, head)


Metric = Callable[[Float[Tensor, "batch pos d_vocab"]], Float[Tensor, ""]]


def patch_or_freeze_head_vectors(
    orig_head_vector: Float[Tensor, "batch pos head d_head"],
    hook: HookPoint,
    new_cache: ActivationCache,
    orig_cache: ActivationCache,
    head_to_patch: Head,
) -> Float[Tensor, "batch pos head d_head"]:
    """All heads as in the original run, but the sender as in the new run."""
    frozen = orig_cache[hook.name].clone()
    layer, head = head_to_patch
    if hook.layer() == layer:
        frozen[:, :, head] = new_cache[hook.name][:, :, head]
    return frozen


def _activations(model: TransformerBridge, tokens: Tensor) -> dict[tuple[str, int], Tensor]:
    """Every activation of a plain run, by (name, layer)."""
    seen = {}
    forward(model, tokens, lambda name, layer, activation: seen.setdefault((name, layer), activation))
    return seen


def _only_the_sender(sender: Head, new: dict, orig: dict, seen: dict | None = None):
    """An edit that freezes every head's z to the original run, but takes the sender's from the new run."""

    def edit(name, layer, activation):
        if seen is not None:
            seen[name, layer] = activation
        if name != "z":
            return activation
        z = orig["z", layer].clone()
        if layer == sender[0]:
            z[:, :, sender[1]] = new["z", layer][:, :, sender[1]]
        return z

    return edit


def get_path_patch_head_to_final_resid_post(
    model: TransformerBridge,
    patching_metric: Metric,
    new_dataset: object,
    orig_dataset: object,
    new_cache: ActivationCache | None = None,
    orig_cache: ActivationCache | None = None,
) -> Float[Tensor, "layer head"]:
    """The metric when each head in turn writes what it wrote on the new prompts, unheard by later heads."""
    new, orig = _activations(model, new_dataset.toks), _activations(model, orig_dataset.toks)
    results = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            logits = forward(model, orig_dataset.toks, _only_the_sender((layer, head), new, orig))
            results[layer, head] = patching_metric(logits)
    return results


def patch_head_input(
    orig_activation: Float[Tensor, "batch pos head d_head"],
    hook: HookPoint,
    patched_cache: ActivationCache,
    head_list: list[Head],
) -> Float[Tensor, "batch pos head d_head"]:
    """The receivers of this layer get the input that the patched run computed for them."""
    patched = orig_activation.clone()
    for layer, head in head_list:
        if layer == hook.layer():
            patched[:, :, head] = patched_cache[hook.name][:, :, head]
    return patched


def get_path_patch_head_to_heads(
    receiver_heads: list[Head],
    receiver_input: str,
    model: TransformerBridge,
    patching_metric: Metric,
    new_dataset: object,
    orig_dataset: object,
    new_cache: ActivationCache | None = None,
    orig_cache: ActivationCache | None = None,
) -> Float[Tensor, "layer head"]:
    """The metric when the receivers alone hear what each earlier head wrote on the new prompts."""
    new, orig = _activations(model, new_dataset.toks), _activations(model, orig_dataset.toks)
    layers = max(layer for layer, _ in receiver_heads)
    results = torch.zeros(layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for layer in range(layers):
        for head in range(model.cfg.n_heads):
            heard: dict = {}
            forward(model, orig_dataset.toks, _only_the_sender((layer, head), new, orig, heard))

            def edit(name, at, activation, heard=heard):
                if name != receiver_input:
                    return activation
                activation = activation.clone()
                for its_layer, its_head in receiver_heads:
                    if its_layer == at:
                        activation[:, :, its_head] = heard[name, at][:, :, its_head]
                return activation

            results[layer, head] = patching_metric(forward(model, orig_dataset.toks, edit))
    return results
