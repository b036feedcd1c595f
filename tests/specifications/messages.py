"""A forward pass in which every input is a sum of its own, and every term of it has a knob.

An input v adds up what the senders before it wrote. On the corrupted prompts, edge u -> v has a knob: at 0
the input hears the corrupted run's u, at 1 the clean run's. Then an edge's exact effect is what the metric
gains when the knob goes from 0 to 1, and its estimate is the metric's slope in the knob. Nothing of
`patchbook.patching` runs here but its list of edges.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.patching.graph import Graph

Metric = Callable[[Float[Tensor, "batch pos d_vocab"]], Float[Tensor, ""]]
Hear = Callable[[str, str, Tensor], Tensor]


def as_written(sender: str, receiver: str, written: Tensor) -> Tensor:
    return written


def run(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    hear: Hear = as_written,
    embedding: Float[Tensor, "batch pos d_model"] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits, and what each sender wrote. hear(sender, receiver, written): what this receiver hears."""
    written = {"embedding": embed(model, tokens) if embedding is None else embedding}
    biases = torch.zeros_like(written["embedding"])

    def heard(receiver: str, senders: list[str]) -> Tensor:
        return norm(model, biases + sum(hear(sender, receiver, written[sender]) for sender in senders))

    for layer in range(model.cfg.n_layers):
        attn, senders = model.blocks[layer].attn, [*written]
        for head in range(model.cfg.n_heads):
            name = f"L{layer}H{head}"
            q = heard(f"{name}.q", senders) @ attn.W_Q[head] + attn.b_Q[head]
            k = heard(f"{name}.k", senders) @ attn.W_K[head] + attn.b_K[head]
            v = heard(f"{name}.v", senders) @ attn.W_V[head] + attn.b_V[head]
            scores = q @ k.transpose(1, 2) / math.sqrt(model.cfg.d_head)
            future = torch.ones(scores.shape[1:], dtype=torch.bool, device=scores.device).triu(1)
            written[name] = scores.masked_fill(future, -torch.inf).softmax(-1) @ v @ attn.W_O[head]
        biases = biases + attn.b_O
        if not model.cfg.attn_only:
            mlp, name = model.blocks[layer].mlp, f"MLP {layer}"
            hidden = heard(name, [*written]) @ mlp.W_in + mlp.b_in
            approximate = "tanh" if model.cfg.act_fn == "gelu_new" else "none"
            written[name] = torch.nn.functional.gelu(hidden, approximate=approximate) @ mlp.W_out + mlp.b_out
    return heard("logits", [*written]) @ model.W_U + model.b_U, written


def embed(model: TransformerBridge, tokens: Tensor) -> Tensor:
    """Tokens and learned positions; a model without them has its attention made even in our cases."""
    if model.cfg.positional_embedding_type == "rotary":
        return model.W_E[tokens]
    return model.W_E[tokens] + model.W_pos[: tokens.shape[1]]


def norm(model: TransformerBridge, x: Tensor) -> Tensor:
    if model.cfg.normalization_type is None:
        return x
    x = x - x.mean(-1, keepdim=True)
    return x / (x.pow(2).mean(-1, keepdim=True) + model.cfg.eps).sqrt()


def with_knobs(
    model: TransformerBridge,
    base_tokens: Int[Tensor, "batch pos"],
    changes: dict[str, Tensor],
    knobs: dict[str, Tensor | float],
    embedding: Float[Tensor, "batch pos d_model"] | None = None,
) -> Float[Tensor, "batch pos d_vocab"]:
    """Logits where each edge lets through so much of its sender's change. knobs: by label, else 0."""

    def hear(sender: str, receiver: str, written: Tensor) -> Tensor:
        label = f"{sender} -> {receiver}"
        return written + knobs[label] * changes[sender] if label in knobs else written

    return run(model, base_tokens, hear, embedding)[0]


def changes(model: TransformerBridge, clean_tokens: Tensor, corrupted_tokens: Tensor) -> dict[str, Tensor]:
    """What each sender writes on the clean prompts, less what it writes on the corrupted ones."""
    if clean_tokens.shape != corrupted_tokens.shape:
        raise ValueError(f"prompts of two shapes: {clean_tokens.shape} and {corrupted_tokens.shape}")
    clean, corrupted = run(model, clean_tokens)[1], run(model, corrupted_tokens)[1]
    return {sender: clean[sender] - corrupted[sender] for sender in clean}


def labels(model: TransformerBridge) -> list[str]:
    """Every edge's, as "sender -> receiver"."""
    return [edge.label for edge in Graph.of(model).edges]


def slopes(
    model: TransformerBridge,
    base_tokens: Int[Tensor, "batch pos"],
    metric: Metric,
    changes: dict[str, Tensor],
    embedding: Float[Tensor, "batch pos d_model"] | None = None,
) -> dict[str, float]:
    """For every edge the slope of the metric in its knob, where all knobs are at 0."""
    names = labels(model)
    with torch.enable_grad():
        knobs = torch.zeros(len(names), dtype=model.W_E.dtype, device=base_tokens.device, requires_grad=True)
        logits = with_knobs(model, base_tokens, changes, dict(zip(names, knobs, strict=True)), embedding)
        found = torch.autograd.grad(metric(logits), knobs)[0]
    return dict(zip(names, found.tolist(), strict=True))
