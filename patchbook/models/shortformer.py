"""The public two-layer attention-only model of many courses, on today's TransformerLens.

It was trained with *shortformer* positions (Press et al. 2021, arXiv 2012.15832): the residual stream carries
none, and each layer adds the position vectors to what its queries and keys read, but not to its values.
TransformerLens 4 has no such models. A native model whose own table of positions is zero, with permanent
hooks that add the vectors at both inputs, computes the same.

A state dict of such a model has these entries, as TransformerLens 1 and 2 wrote them:

    embed.W_E (d_vocab, d_model)        pos_embed.W_pos (n_ctx, d_model)
    unembed.W_U (d_model, d_vocab)      unembed.b_U (d_vocab)
    blocks.N.attn.W_Q, W_K, W_V (head, d_model, d_head)   b_Q, b_K, b_V (head, d_head)
    blocks.N.attn.W_O (head, d_head, d_model)             b_O (d_model)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from patchbook.models.hub import Repo
from patchbook.models.native import native_bridge, native_weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformer_lens.hook_points import HookPoint
    from transformer_lens.model_bridge import TransformerBridge

WEIGHTS = "attn_only_2L_half.pth"
REPO = Repo(("callummcdougall/attn_only_2L_half",), files=(WEIGHTS,), needs=((WEIGHTS,),))
TOKENIZER_FILES = ("tokenizer*", "special_tokens_map.json", "vocab.json", "merges.txt", "config.json")
TOKENIZER = Repo(("EleutherAI/gpt-neox-20b",), files=TOKENIZER_FILES, needs=(("tokenizer.json",),))


def read(weights: Path, tokenizer: Path, device: str | torch.device, dtype: torch.dtype) -> TransformerBridge:
    """A state dict and the folder of its tokenizer -> a model in eval mode, its hooks in place.

    Nothing is folded or centred: logits are those of the published weights.
    Raises KeyError, with its name, for an entry that the state dict lacks.
    """
    import torch
    from transformers import AutoTokenizer

    state = torch.load(weights, map_location="cpu", weights_only=True)
    model = build(state, AutoTokenizer.from_pretrained(tokenizer))
    model.enable_compatibility_mode(
        fold_ln=False, center_writing_weights=False, center_unembed=False, fold_value_biases=False
    )
    model = model.to(device=device, dtype=dtype).eval()
    add_positions(model, state["pos_embed.W_pos"].to(device=device, dtype=dtype))
    return model


def sizes(state: dict[str, Tensor]) -> dict[str, int]:
    """The shape of the model that a state dict belongs to."""
    n_heads, d_model, d_head = state["blocks.0.attn.W_Q"].shape
    layers = {name.split(".")[1] for name in state if name.startswith("blocks.")}
    return {
        "n_layers": len(layers),
        "n_heads": n_heads,
        "d_head": d_head,
        "d_model": d_model,
        "n_ctx": state["pos_embed.W_pos"].shape[0],
        "d_vocab": state["embed.W_E"].shape[0],
    }


def build(state: dict[str, Tensor], tokenizer) -> TransformerBridge:
    """A native model with the weights of a state dict, and with no positions at all."""
    import torch

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = native_bridge(sizes(state), tokenizer, positions="standard")
    with torch.no_grad():
        for parameter, value in zip(*matched(model, state), strict=True):
            parameter.copy_(value)
    model.cfg.positional_embedding_type = "shortformer"
    return model


def matched(model: TransformerBridge, state: dict[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The native model's weights, and what belongs into each."""
    import torch

    native = native_weights(model)
    values = {
        "tok_embed.weight": state["embed.W_E"],
        "pos.weight": torch.zeros_like(state["pos_embed.W_pos"]),
        "head.weight": state["unembed.W_U"].T,
    }
    for layer in range(model.cfg.n_layers):
        for name in "qkv":
            weight = state[f"blocks.{layer}.attn.W_{name.upper()}"]  # (head, d_model, d_head)
            values[f"layers.{layer}.attn.{name}.weight"] = weight.transpose(1, 2).flatten(0, 1)
            values[f"layers.{layer}.attn.{name}.bias"] = state[
                f"blocks.{layer}.attn.b_{name.upper()}"
            ].flatten()
        values[f"layers.{layer}.attn.o.weight"] = state[f"blocks.{layer}.attn.W_O"].flatten(0, 1).T
        values[f"layers.{layer}.attn.o.bias"] = state[f"blocks.{layer}.attn.b_O"]
    return (
        [*(native[name] for name in values), model.b_U],
        [*values.values(), state["unembed.b_U"]],
    )


def add_positions(model: TransformerBridge, W_pos: Tensor) -> None:
    """Add the position vectors to what queries and keys read in every layer. `reset_hooks()` keeps them.

    They are the model's `shortformer_positions`, too: `patchbook.patching.arithmetic` has no hooks.
    """

    def with_positions(x: Tensor, hook: HookPoint) -> Tensor:  # (batch, pos, d_model)
        return x + W_pos[: x.shape[1]]

    model.shortformer_positions = W_pos
    for layer in range(model.cfg.n_layers):
        for letter in "qk":
            model.add_hook(f"blocks.{layer}.attn.{letter}.hook_in", with_positions, is_permanent=True)
