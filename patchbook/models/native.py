"""Attention-only models, on TransformerLens's own ("native") architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformer_lens.model_bridge import TransformerBridge


def native_bridge(config: dict, tokenizer, positions: str = "rotary") -> TransformerBridge:
    """An untrained attention-only model: no MLP, no LayerNorm.

    config: n_layers, n_heads, d_head, d_model, n_ctx, d_vocab; for rotary positions also rotary_dim.
    positions: TransformerLens's `positional_embedding_type`.
    """
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    full = TransformerBridgeConfig(
        attn_only=True,
        normalization_type=None,
        positional_embedding_type=positions,
        act_fn="gelu",  # asked for even where no MLP uses it
        d_mlp=0,
        device="cpu",
        **config,
    )
    return TransformerBridge.boot_native(full, tokenizer=tokenizer)


def native_weights(model: TransformerBridge) -> dict[str, torch.nn.Parameter]:
    """A native bridge's weights and biases by short name, such as "layers.0.attn.q.weight".

    Its linear maps are (output, input).
    """
    return {
        name.replace("_original_component.", ""): parameter
        for name, parameter in model.original_model.named_parameters()
    }


def native_matrices(model: TransformerBridge) -> dict[str, torch.nn.Parameter]:
    """The weights without the biases, which are all 0 in a model that was built without them."""
    return {name: weight for name, weight in native_weights(model).items() if not name.endswith("bias")}
