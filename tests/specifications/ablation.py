"""What chapter 1's exercises must compute: heads set to zero or to their mean, and the loss without them."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge
from transformer_lens.hook_points import HookPoint


def head_zero_ablation_hook(
    z: Float[Tensor, "batch pos head d_head"], hook: HookPoint, head_index_to_ablate: int
) -> Float[Tensor, "batch pos head d_head"]:
    """One head's output set to zero; the others as they were."""
    ablated = z.clone()
    for pos in range(z.shape[1]):
        ablated[:, pos, head_index_to_ablate] = 0.0
    return ablated


def head_mean_ablation_hook(
    z: Float[Tensor, "batch pos head d_head"], hook: HookPoint, head_index_to_ablate: int
) -> Float[Tensor, "batch pos head d_head"]:
    """At each position, the mean of the prompts' vectors there; the other heads as they were."""
    ablated = z.clone()
    for pos in range(z.shape[1]):
        total = sum(z[prompt, pos, head_index_to_ablate] for prompt in range(z.shape[0]))
        ablated[:, pos, head_index_to_ablate] = total / z.shape[0]
    return ablated


def get_ablation_scores(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch seq"],
    ablation_function: Callable = head_zero_ablation_hook,
) -> Float[Tensor, "layer head"]:
    """Ablate one head, run, and compare the loss with the untouched model's. Then the next head."""
    scores = model.W_U.new_zeros(model.cfg.n_layers, model.cfg.n_heads)
    before = _loss_in_second_half(model, tokens, [])
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):

            def ablate(z: Tensor, hook: HookPoint, head: int = head) -> Tensor:
                return ablation_function(z, hook, head_index_to_ablate=head)

            hooks = [(f"blocks.{layer}.attn.hook_z", ablate)]
            scores[layer, head] = _loss_in_second_half(model, tokens, hooks) - before
    return scores


def _loss_in_second_half(model: TransformerBridge, tokens: Tensor, hooks: list) -> Float[Tensor, ""]:
    """Minus the log-probability of the right next token, where that one and its predecessor are repeats."""
    seq_len = (tokens.shape[1] - 1) // 2
    log_probs = model.run_with_hooks(tokens, fwd_hooks=hooks).log_softmax(dim=-1)
    losses = [
        -log_probs[prompt, position, tokens[prompt, position + 1]]
        for prompt in range(tokens.shape[0])
        for position in range(1 + seq_len, 2 * seq_len)
    ]
    return torch.stack(losses).mean()
