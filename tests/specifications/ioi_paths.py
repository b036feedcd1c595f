"""What the exercises of chapter 2 must compute: path patching, copying, mean ablation, minimality.

Source of the definitions: Wang et al. 2022, arXiv 2211.00593. MLPs and LayerNorm are recomputed along a path;
only the other heads' outputs are frozen.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge
from transformer_lens.hook_points import HookPoint

from patchbook.tests.specifications.forward_pass import forward, mlp, normalise

Head = tuple[int, int]  # (layer, head)
Metric = Callable[[Float[Tensor, "batch pos d_vocab"]], Float[Tensor, ""]]


def logits_to_ave_logit_diff_2(
    logits: Float[Tensor, "batch seq d_vocab"], ioi_dataset: object, per_prompt: bool = False
) -> Float[Tensor, "*batch"]:
    """Logit of IO less that of S, each at its own prompt's end."""
    ends = ioi_dataset.word_idx["end"].tolist()
    rows = zip(logits, ends, ioi_dataset.io_tokenIDs, ioi_dataset.s_tokenIDs, strict=True)
    differences = torch.stack([prompt[end, int(io)] - prompt[end, int(s)] for prompt, end, io, s in rows])
    return differences if per_prompt else differences.mean()


def ioi_metric_2(
    logits: Float[Tensor, "batch seq d_vocab"],
    clean_logit_diff: float,
    corrupted_logit_diff: float,
    ioi_dataset: object,
) -> Float[Tensor, ""]:
    """0 where the model does as well as on clean prompts, -1 where as badly as on corrupted ones."""
    difference = logits_to_ave_logit_diff_2(logits, ioi_dataset)
    return (difference - clean_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


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


def get_copying_scores(
    model: TransformerBridge, k: int = 5, names: list[str] | None = None
) -> Float[Tensor, "2 layer head"]:
    """The share of names that a head's OV circuit puts among its k largest logits; then with OV negated.

    Each name enters as its embedding after the first MLP, as in the paper.
    """
    tokens = torch.tensor([model.to_single_token(name) for name in names])
    embedded = model.W_E[tokens]  # (name, d_model)
    embedded = embedded + mlp(model, 0, normalise(model, embedded))
    results = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
    for row, sign in enumerate((1, -1)):
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):
                written = sign * embedded @ model.W_V[layer, head] @ model.W_O[layer, head]
                logits = normalise(model, written) @ model.W_U + model.b_U  # (name, d_vocab)
                own = logits.gather(1, tokens[:, None])
                results[row, layer, head] = ((logits > own).sum(1) < k).to(results.dtype).mean()
    return results
