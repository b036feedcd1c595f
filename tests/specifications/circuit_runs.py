"""What chapter 6's exercises must compute: a circuit of edges alone, everything else ablated.

Every input of every part is a sum of its own, term by term, on a GPT-2-like model in compatibility mode.
Source: Conmy et al. 2023, arXiv 2304.14997; Miller et al. 2024, arXiv 2407.08734, for the kinds of ablation.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications.forward_pass import forward, mlp, normalise

Messages = dict[str, Float[Tensor, "rows pos d_model"]]  # sender -> what it writes into the stream


def stand_ins(model: TransformerBridge, tokens: Int[Tensor, "batch pos"], ablation: str) -> Messages:
    """What stands for each sender's output where it is ablated. "mean" has one row, for all prompts."""
    if ablation not in ("zero", "mean", "resample"):
        raise ValueError(f"ablation is {ablation!r}; wanted 'zero', 'mean' or 'resample'")
    written = {}

    def collect(name, layer, activation):
        if name == "resid_pre" and layer == 0:
            written["embedding"] = activation
        if name == "z":
            for head in range(model.cfg.n_heads):
                written[f"L{layer}H{head}"] = (
                    activation[:, :, head] @ model.blocks[layer].attn.W_O[head].detach()
                )
        if name == "mlp_out":
            written[f"MLP {layer}"] = activation
        return activation

    forward(model, tokens, collect)
    if ablation == "zero":
        return {sender: message * 0 for sender, message in written.items()}
    if ablation == "mean":
        return {sender: message.mean(0, keepdim=True) for sender, message in written.items()}
    return written


def what_is_heard(
    receiver: str, written: Messages, stand_ins: Messages, edges: list[str]
) -> Float[Tensor, "batch pos d_model"]:
    """The sum of what an input reads: over edges of the circuit the message, over others its stand-in."""
    total = 0
    for sender, message in written.items():
        total = total + (message if f"{sender} -> {receiver}" in edges else stand_ins[sender])
    return total


def head_output(
    model: TransformerBridge,
    layer: int,
    head: int,
    q_stream: Float[Tensor, "batch pos d_model"],
    k_stream: Float[Tensor, "batch pos d_model"],
    v_stream: Float[Tensor, "batch pos d_model"],
) -> Float[Tensor, "batch pos d_model"]:
    """What a head writes when its query, key and value each read a stream of their own. Without b_O."""
    attn = model.blocks[layer].attn
    q = normalise(model, q_stream) @ attn.W_Q[head] + attn.b_Q[head]
    k = normalise(model, k_stream) @ attn.W_K[head] + attn.b_K[head]
    v = normalise(model, v_stream) @ attn.W_V[head] + attn.b_V[head]
    scores = q @ k.transpose(1, 2) / math.sqrt(model.cfg.d_head)  # (batch, query, key)
    future = torch.ones(scores.shape[1:], dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill(future, -torch.inf).softmax(-1) @ v @ attn.W_O[head]


def run_circuit(
    model: TransformerBridge,
    edges: list[str],
    clean: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "other pos"],
    ablation: str = "resample",
) -> Float[Tensor, "batch pos d_vocab"]:
    """Logits on the clean prompts with every edge outside the circuit ablated. b_O is no edge and stays."""
    stand, edges = stand_ins(model, corrupted, ablation), set(edges)
    written = {"embedding": model.W_E[clean] + model.W_pos[: clean.shape[1]]}
    biases = 0
    for layer in range(model.cfg.n_layers):
        before = dict(written)
        for head in range(model.cfg.n_heads):
            name = f"L{layer}H{head}"
            streams = [what_is_heard(f"{name}.{letter}", before, stand, edges) + biases for letter in "qkv"]
            written[name] = head_output(model, layer, head, *streams)
        biases = biases + model.blocks[layer].attn.b_O
        heard = what_is_heard(f"MLP {layer}", written, stand, edges) + biases
        written[f"MLP {layer}"] = mlp(model, layer, normalise(model, heard))
    final = what_is_heard("logits", written, stand, edges) + biases
    return normalise(model, final) @ model.W_U + model.b_U
