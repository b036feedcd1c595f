"""A forward pass taken apart: every input of every node has a name, and you may step in at each.

    logits, written = run_graph(model, tokens)                      # as model(tokens); who wrote what
    logits, _ = run_graph(model, tokens, read=read, write=write)    # with your say at inputs and outputs

Names are those of `patchbook.patching.graph`: nodes "embedding", "L0H3", "MLP 0"; inputs "L1H2.k", "MLP 1",
"logits". A head's three inputs are three places here: what is done at one reaches no other. In the model
itself they are one stream.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

StepIn = Callable[[str, Float[Tensor, "batch pos d_model"]], Float[Tensor, "batch pos d_model"]]


def as_it_is(name: str, value: Tensor) -> Tensor:
    """Steps in nowhere."""
    return value


def run_graph(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    read: StepIn = as_it_is,
    write: StepIn = as_it_is,
) -> tuple[Float[Tensor, "batch pos d_vocab"], dict[str, Float[Tensor, "batch pos d_model"]]]:
    """The logits, and what each node wrote into the stream.

    read(input, stream): what this input reads, in place of the stream (before the LayerNorm).
    write(node, output): what this node writes, in place of its output.

    For models in compatibility mode. Raises ValueError where positions are neither learned nor rotary.
    """
    if (model.cfg.positional_embedding_type or "standard") not in ("standard", "rotary"):
        raise ValueError(f"cannot take apart a model with {model.cfg.positional_embedding_type!r} positions")
    written: dict[str, Tensor] = {}
    stream = written["embedding"] = write("embedding", _embedding(model, tokens))
    for layer, block in enumerate(model.blocks):
        attn = block.attn
        names = [f"L{layer}H{head}" for head in range(model.cfg.n_heads)]
        outputs = [_head(model, attn, head, name, stream, read) for head, name in enumerate(names)]
        for name, output in zip(names, outputs, strict=True):
            written[name] = write(name, output)
            stream = stream + written[name]
        stream = stream + attn.b_O
        if not model.cfg.attn_only:
            name = f"MLP {layer}"
            written[name] = write(name, _mlp(model, block.mlp, read(name, stream)))
            stream = stream + written[name]
    return _norm(model, read("logits", stream)) @ model.W_U + model.b_U, written


def _embedding(model: TransformerBridge, tokens: Tensor) -> Tensor:
    learned = (model.cfg.positional_embedding_type or "standard") == "standard"
    return model.W_E[tokens] + model.W_pos[: tokens.shape[1]] if learned else model.W_E[tokens]


def _head(model: TransformerBridge, attn, head: int, name: str, stream: Tensor, read: StepIn) -> Tensor:
    """What one head writes."""
    q, k, v = (
        _norm(model, read(f"{name}.{letter}", stream)) @ weight[head] + bias[head]
        for letter, weight, bias in (
            ("q", attn.W_Q, attn.b_Q),
            ("k", attn.W_K, attn.b_K),
            ("v", attn.W_V, attn.b_V),
        )
    )
    if model.cfg.positional_embedding_type == "rotary":
        q, k = _turned(model, q), _turned(model, k)
    scores = q @ k.mT / math.sqrt(model.cfg.d_head)
    future = torch.ones(scores.shape[1:], dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill(future, -torch.inf).softmax(-1) @ v @ attn.W_O[head]


def _mlp(model: TransformerBridge, mlp, x: Tensor) -> Tensor:
    approximate = "tanh" if model.cfg.act_fn == "gelu_new" else "none"
    hidden = torch.nn.functional.gelu(_norm(model, x) @ mlp.W_in + mlp.b_in, approximate=approximate)
    return hidden @ mlp.W_out + mlp.b_out


def _norm(model: TransformerBridge, x: Tensor) -> Tensor:
    """LayerNorm without weights: in compatibility mode they are folded into what reads next."""
    if model.cfg.normalization_type is None:
        return x
    x = x - x.mean(-1, keepdim=True)
    return x / (x.pow(2).mean(-1, keepdim=True) + model.cfg.eps).sqrt()


def _turned(model: TransformerBridge, x: Tensor) -> Tensor:
    """Rotary positions: pairs of neighbouring entries, turned by an angle that grows with the position."""
    size = model.cfg.rotary_dim
    speeds = model.cfg.rotary_base ** -(torch.arange(0, size, 2, device=x.device) / size)
    angles = torch.arange(x.shape[1], device=x.device)[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    even, odd = x[..., 0:size:2], x[..., 1:size:2]
    pairs = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return torch.cat([pairs.flatten(-2), x[..., size:]], dim=-1)
