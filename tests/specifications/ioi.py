"""What the exercises of chapter 2 must compute: metrics and activation patching.

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


def logits_to_ave_logit_diff(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch 2"],
    per_prompt: bool = False,
) -> Float[Tensor, "*batch"]:
    """Logit of the right answer less that of the wrong one, at the last position."""
    pairs = zip(logits, answer_tokens.tolist(), strict=True)
    differences = torch.stack([prompt[-1, right] - prompt[-1, wrong] for prompt, (right, wrong) in pairs])
    return differences if per_prompt else differences.mean()


def residual_stack_to_logit_diff(
    residual_stack: Float[Tensor, "*components batch d_model"],
    cache: ActivationCache,
    logit_diff_directions: Float[Tensor, "batch d_model"],
) -> Float[Tensor, "*components"]:
    """Each component, over the final LayerNorm's scale at the last position, along its prompt's direction."""
    scale = cache["ln_final.hook_scale"][:, -1]  # (batch, 1)
    centred = residual_stack - residual_stack.mean(-1, keepdim=True)
    return (centred / scale * logit_diff_directions).sum(-1).mean(-1)


def topk_of_Nd_tensor(tensor: Float[Tensor, "..."], k: int) -> list[list[int]]:
    """The indices of the k largest entries, largest first."""
    order = sorted(range(tensor.numel()), key=lambda i: -tensor.flatten()[i].item())
    return [[int(j) for j in torch.unravel_index(torch.tensor(i), tensor.shape)] for i in order[:k]]


def ioi_metric(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch 2"],
    corrupted_logit_diff: float,
    clean_logit_diff: float,
) -> Float[Tensor, ""]:
    """How much of the way from corrupted (0) to clean (1) the logit difference has come."""
    difference = logits_to_ave_logit_diff(logits, answer_tokens)
    return (difference - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


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


def _by_position(name: str, model, corrupted_tokens, clean_cache, patching_metric) -> Tensor:
    """The metric after one position of one layer's `name` came from the clean run: [layer pos]."""
    layers, positions = model.cfg.n_layers, corrupted_tokens.shape[1]
    results = torch.zeros(layers, positions, dtype=model.W_E.dtype)
    for patched_layer in range(layers):
        for pos in range(positions):

            def edit(its_name, layer, activation, patched_layer=patched_layer, pos=pos):
                if (its_name, layer) != (name, patched_layer):
                    return activation
                activation = activation.clone()
                activation[:, pos] = clean_cache[name, layer][:, pos]
                return activation

            results[patched_layer, pos] = patching_metric(forward(model, corrupted_tokens, edit))
    return results


def get_act_patch_resid_pre(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric,
) -> Float[Tensor, "layer pos"]:
    """The residual stream before each layer, one position at a time."""
    return _by_position("resid_pre", model, corrupted_tokens, clean_cache, patching_metric)


def get_act_patch_block_every(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric,
) -> Float[Tensor, "3 layer pos"]:
    """resid_pre, attn_out and mlp_out, one position at a time."""
    names = ("resid_pre", "attn_out", "mlp_out")
    return torch.stack(
        [_by_position(n, model, corrupted_tokens, clean_cache, patching_metric) for n in names]
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


def _by_head(name: str, model, corrupted_tokens, clean_cache, patching_metric) -> Tensor:
    """The metric after one head's `name` came from the clean run, at all positions: [layer head]."""
    layers, heads = model.cfg.n_layers, model.cfg.n_heads
    axis = 1 if name == "pattern" else 2
    results = torch.zeros(layers, heads, dtype=model.W_E.dtype)
    for patched_layer in range(layers):
        for head in range(heads):

            def edit(its_name, layer, activation, patched_layer=patched_layer, head=head):
                if (its_name, layer) != (name, patched_layer):
                    return activation
                activation = activation.clone()
                activation.select(axis, head).copy_(clean_cache[name, layer].select(axis, head))
                return activation

            results[patched_layer, head] = patching_metric(forward(model, corrupted_tokens, edit))
    return results


def get_act_patch_attn_head_out_all_pos(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric,
) -> Float[Tensor, "layer head"]:
    """Each head's output z."""
    return _by_head("z", model, corrupted_tokens, clean_cache, patching_metric)


def get_act_patch_attn_head_all_pos_every(
    model: TransformerBridge,
    corrupted_tokens: Int[Tensor, "batch pos"],
    clean_cache: ActivationCache,
    patching_metric: Metric,
) -> Float[Tensor, "5 layer head"]:
    """Each head's z, q, k, v and pattern."""
    names = ("z", "q", "k", "v", "pattern")
    return torch.stack([_by_head(n, model, corrupted_tokens, clean_cache, patching_metric) for n in names])


def flip_names(names: tuple[str, str, str], rule: str, fresh_names: list[str]) -> tuple[str, str, str]:
    """The three names after the clause of the rule that fits them; new letters take fresh names in turn."""
    for clause in rule.split(","):
        before, after = (side.strip() for side in clause.split("->"))
        meaning = dict(zip(before, names, strict=True))
        if tuple(meaning[letter] for letter in before) != names or len(set(before)) != len(set(names)):
            continue
        fresh = iter(fresh_names)
        for letter in after:
            if letter not in meaning:
                meaning[letter] = next(fresh)
        return tuple(meaning[letter] for letter in after)
    return names
