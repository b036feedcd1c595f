"""A forward pass in which every input is a sum of its own, term by term: slow, plain, and the tests' own."""

import math

import torch

from patchbook.patching.graph import Edge, Graph


def plain_run(model, tokens, message=None):
    """Logits, and what each sender wrote, by label.

    message(sender label, receiver label, written) -> what the receiver hears.
    """
    graph = Graph.of(model)
    message = message or (lambda sender, receiver, written: written)
    written = {"embedding": model.W_E[tokens]}
    if (model.cfg.positional_embedding_type or "standard") == "standard":
        written["embedding"] = written["embedding"] + model.W_pos[: tokens.shape[1]]
    biases = 0
    for layer in range(model.cfg.n_layers):
        attn, before = model.blocks[layer].attn, dict(written)
        for head in range(model.cfg.n_heads):
            label = f"L{layer}H{head}"
            q, k, v = (
                _norm(model, biases + sum(message(s, f"{label}.{letter}", w) for s, w in before.items()))
                @ getattr(attn, f"W_{letter.upper()}")[head]
                + getattr(attn, f"b_{letter.upper()}")[head]
                for letter in "qkv"
            )
            if model.cfg.positional_embedding_type == "rotary":
                q, k = _rotated(model, q), _rotated(model, k)
            scores = q @ k.transpose(1, 2) / math.sqrt(model.cfg.d_head)
            future = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
            written[label] = scores.masked_fill(future, -torch.inf).softmax(-1) @ v @ attn.W_O[head]
        biases = biases + attn.b_O
        if not model.cfg.attn_only:
            mlp, label = model.blocks[layer].mlp, f"MLP {layer}"
            heard = _norm(model, biases + sum(message(s, label, w) for s, w in written.items()))
            approximate = "tanh" if model.cfg.act_fn == "gelu_new" else "none"
            hidden = torch.nn.functional.gelu(heard @ mlp.W_in + mlp.b_in, approximate=approximate)
            written[label] = hidden @ mlp.W_out + mlp.b_out
    final = biases + sum(message(s, "logits", w) for s, w in written.items())
    assert [*written] == [sender.label for sender in graph.senders]
    return _norm(model, final) @ model.W_U + model.b_U, written


def plain_edge_effect(model, clean, corrupted, metric, edge: Edge) -> float:
    """metric(patched) - metric(corrupted), where one input hears one sender's clean message."""
    _, clean_written = plain_run(model, clean)
    logits, _ = plain_run(model, corrupted)
    names = (edge.sender.label, edge.receiver.label)

    def message(sender, receiver, written):
        return clean_written[sender] if (sender, receiver) == names else written

    patched, _ = plain_run(model, corrupted, message)
    return float(metric(patched) - metric(logits))


def _norm(model, x):
    if model.cfg.normalization_type is None:
        return x
    x = x - x.mean(-1, keepdim=True)
    return x / (x.pow(2).mean(-1, keepdim=True) + model.cfg.eps).sqrt()


def _rotated(model, x):
    """Neighbouring entries as complex numbers, turned by the position."""
    size = model.cfg.rotary_dim
    angles = torch.arange(x.shape[1])[:, None] / model.cfg.rotary_base ** (torch.arange(0, size, 2) / size)
    pairs = torch.view_as_complex(x[..., :size].unflatten(-1, (-1, 2)).contiguous())
    turned = torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles).to(pairs.dtype)).flatten(
        -2
    )
    return torch.cat([turned, x[..., size:]], dim=-1)
