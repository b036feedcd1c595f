"""GPT-2's forward pass rebuilt from the weights, with a place to step in after every activation.

The sweeps' specifications use it instead of hooks, so that they cannot share a learner's bug.
Source: Wang et al. 2022 (arXiv 2211.00593) for the path patches that are built on it.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

Edit = Callable[[str, int, Tensor], Tensor]  # (name, layer, activation) -> the activation to go on with


def unchanged(name: str, layer: int, activation: Tensor) -> Tensor:
    return activation


def normalise(model: TransformerBridge, x: Tensor) -> Tensor:
    """LayerNorm without weights: in compatibility mode they are folded into what follows."""
    x = x - x.mean(-1, keepdim=True)
    return x / (x.pow(2).mean(-1, keepdim=True) + model.cfg.eps).sqrt()


def forward(model: TransformerBridge, tokens: Tensor, edit: Edit = unchanged) -> Tensor:
    """Logits [batch pos d_vocab] of a GPT-2-like model in compatibility mode.

    edit(name, layer, activation) is called with name resid_pre, q, k, v, pattern, z, attn_out, mlp_out or
    resid_post, in that order in every layer, with the shapes TransformerLens gives them.
    """
    x = model.W_E[tokens] + model.W_pos[: tokens.shape[1]]
    for layer in range(model.cfg.n_layers):
        x = edit("resid_pre", layer, x)
        x = x + attention(model, layer, normalise(model, x), edit)
        x = x + edit("mlp_out", layer, mlp(model, layer, normalise(model, x)))
        x = edit("resid_post", layer, x)
    return normalise(model, x) @ model.W_U + model.b_U


def attention(model: TransformerBridge, layer: int, x: Tensor, edit: Edit) -> Tensor:
    """attn_out [batch pos d_model] from the normalised residual stream."""
    attn = model.blocks[layer].attn  # model.W_Q would stack all layers' for the one

    def read(name: str, weights: Tensor, bias: Tensor) -> Tensor:
        return edit(name, layer, torch.einsum("bpm,hmd->bphd", x, weights) + bias)

    q = read("q", attn.W_Q, attn.b_Q)
    k = read("k", attn.W_K, attn.b_K)
    v = read("v", attn.W_V, attn.b_V)
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(model.cfg.d_head)
    future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=x.device).triu(1)
    pattern = edit("pattern", layer, scores.masked_fill(future, -torch.inf).softmax(-1))
    z = edit("z", layer, torch.einsum("bhqk,bkhd->bqhd", pattern, v))
    return edit("attn_out", layer, torch.einsum("bphd,hdm->bpm", z, attn.W_O) + attn.b_O)


def mlp(model: TransformerBridge, layer: int, x: Tensor) -> Tensor:
    """mlp_out [batch pos d_model] from the normalised residual stream."""
    its = model.blocks[layer].mlp
    hidden = x @ its.W_in + its.b_in
    approximate = "tanh" if model.cfg.act_fn == "gelu_new" else "none"
    hidden = torch.nn.functional.gelu(hidden, approximate=approximate)
    return hidden @ its.W_out + its.b_out
