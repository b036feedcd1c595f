"""The two untrained models, and how a trained one is written to a folder."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

from patchbook.models import native_bridge, native_weights

# Layers, heads, head width and model width all differ, so that code which swaps two of them fails.
TINY_GPT2 = {
    "n_positions": 256,
    "n_embd": 144,
    "n_layer": 4,
    "n_head": 6,
    "n_inner": 96,  # narrow on purpose: a wide MLP finds the name said once, and no heads are needed
}

TINY_ATTN_ONLY = {
    "n_layers": 2,
    "n_heads": 5,
    "d_head": 32,
    "d_model": 128,
    "n_ctx": 256,
    "rotary_dim": 32,
}


def build_gpt2(tokenizer, seed: int = 0) -> GPT2LMHeadModel:
    """GPT-2's architecture, small, with random weights and no dropout."""
    torch.manual_seed(seed)
    end = tokenizer.bos_token_id
    dropout = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = GPT2Config(
        vocab_size=len(tokenizer), bos_token_id=end, eos_token_id=end, **TINY_GPT2, **dropout
    )
    return GPT2LMHeadModel(config)


def build_attn_only(tokenizer, seed: int = 0):
    """Two layers of attention with rotary positions: no MLP, no LayerNorm, no positions in the stream."""
    torch.manual_seed(seed)
    model = native_bridge({**TINY_ATTN_ONLY, "d_vocab": len(tokenizer)}, tokenizer)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.endswith("bias"))  # biases start at 0 and stay there
    return model


def save_gpt2(model: GPT2LMHeadModel, tokenizer, folder: Path) -> None:
    """A Hugging Face folder: config.json, model.safetensors and the tokenizer's files."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_attn_only(model, folder: Path) -> None:
    """config.json (our own keys) and model.safetensors; the tokenizer is tiny-gpt2's."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().contiguous() for name, tensor in native_weights(model).items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = {**TINY_ATTN_ONLY, "d_vocab": model.cfg.d_vocab}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
