"""The two untrained models, and how a trained one is written to a folder."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

from patchbook.models import quietly
from patchbook.models.native import native_bridge, native_matrices
from patchbook.training.trainer import Read, Recipe

# Layers, heads, head width and model width all differ, so that code which swaps two of them fails.
TINY_GPT2 = {
    "n_positions": 256,
    "n_embd": 144,
    "n_layer": 4,
    "n_head": 6,
    "initializer_range": 0.06,  # GPT-2's 0.02, grown as the width shrinks
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


def helix(positions: int, width: int) -> torch.Tensor:
    """Sines and cosines of every wavelength: [position width].

    GPT-2's own trained position embeddings look like this. Starting from it, heads that look back one token
    form early, and copying with them; from noise a model of this size finds cheaper ways first.
    """
    place = torch.arange(positions)[:, None]
    rate = torch.exp(-math.log(positions) * torch.arange(0, width, 2) / width)
    return torch.cat([torch.sin(place * rate), torch.cos(place * rate)], dim=1)


def build_gpt2(tokenizer, seed: int = 0) -> GPT2LMHeadModel:
    """GPT-2's architecture, small, untrained: random weights, helical positions, no dropout."""
    torch.manual_seed(seed)
    end = tokenizer.bos_token_id
    dropout = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = GPT2Config(vocab_size=len(tokenizer), bos_token_id=end, eos_token_id=end, **TINY_GPT2, **dropout)
    model = GPT2LMHeadModel(config)
    model.transformer.wpe.weight.data.copy_(0.1 * helix(config.n_positions, config.n_embd))
    return model


def build_attn_only(tokenizer, seed: int = 0):
    """Two layers of attention with rotary positions: no MLP, no LayerNorm, no positions in the stream."""
    torch.manual_seed(seed)
    model = native_bridge({**TINY_ATTN_ONLY, "d_vocab": len(tokenizer)}, tokenizer)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.endswith("bias"))  # biases start at 0 and stay there
    # Without biases a head can look at a position only through what all tokens share. Give them something.
    embedding = native_matrices(model)["tok_embed.weight"].data
    embedding += 0.12 * torch.randn(embedding.shape[1])
    return model


def gpt2_reader(model: GPT2LMHeadModel, recipe: Recipe) -> Callable[[torch.Tensor], Read]:
    """How training reads with it. Only slow ("eager") attention shows its patterns, so only if they cost."""
    look = recipe.price > 0
    model.set_attn_implementation("eager" if look else "sdpa")

    def read(tokens: torch.Tensor) -> Read:
        output = model(tokens, output_attentions=look)
        return Read(output.logits, output.attentions or ())

    return read


def attn_only_reader(model, recipe: Recipe) -> Callable[[torch.Tensor], Read]:
    """How training reads with it."""
    return lambda tokens: Read(model(tokens))


def save_gpt2(model: GPT2LMHeadModel, folder: Path) -> None:
    """config.json and model.safetensors, as Hugging Face writes them."""
    with quietly():
        model.save_pretrained(folder)


def save_attn_only(model, folder: Path) -> None:
    """config.json (our own keys) and model.safetensors; the tokenizer is tiny-gpt2's."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().contiguous() for name, tensor in native_matrices(model).items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = {**TINY_ATTN_ONLY, "d_vocab": model.cfg.d_vocab}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
