"""A set of edges as a circuit: everything outside it is ablated, at every input.

    run_circuit(model, clean_tokens, [circuit], metric, "resample", corrupted_tokens)      # one number each

Every input reads a sum of its own: over edges of the circuit what their senders write now, over all others
what stands for them. That is nothing ("zero"), the mean over other prompts at each position ("mean"), or what
the sender writes on the paired prompt ("resample").
Source: Miller et al. 2024, arXiv 2407.08734, on what these choices do to a score.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.patching.arithmetic import Arithmetic
from patchbook.patching.costs import Costs, Entry
from patchbook.patching.graph import Edge, Graph
from patchbook.patching.patches import Bench
from patchbook.patching.reading import Metric
from patchbook.patching.suffix import Rows, Run, Suffix

Ablation = Literal["zero", "mean", "resample"]
Circuit = Iterable[Edge] | Bool[Tensor, "receiver sender"]


def run_circuit(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    circuits: Sequence[Circuit],
    metric: Metric,
    ablation: Ablation = "resample",
    other_tokens: Int[Tensor, "other pos"] | None = None,
) -> Float[Tensor, " circuit"]:
    """The metric on `tokens` of each circuit alone, all other edges ablated.

    circuits: each a set of edges, or a mask as `Graph.mask` makes it. other_tokens: for "resample" the paired
    prompts, for "mean" any of the same length. Biases of attention (b_O) are no edge and stay.

    Raises ValueError for another ablation, other_tokens that do not fit it, or a model that `Bench` refuses.
    """
    _refuse(ablation, tokens, other_tokens)
    graph = Graph.of(model)
    masks = [one if isinstance(one, Tensor) else graph.mask(one) for one in circuits]
    with torch.inference_mode():
        bench = Bench(model, tokens, metric)
        stands = _stand_ins(bench.run, ablation, other_tokens)
        layers = len(bench.arithmetic.layers)

        def batches(costs: Costs) -> list:
            return costs.alike(masks, Entry(0, 0, costs.length), rows_each=len(graph.senders) // 4 + 1)

        def end(suffix: Suffix, batch: list[Tensor]) -> list[Rows]:
            kept = torch.stack(batch).to(stands.device, stands.dtype)
            final = _final(bench.arithmetic, graph, bench.run.stream[0], kept, stands)
            return [Rows(layers, final[:, :, suffix.last], suffix.last)]

        values = torch.stack(bench.scored(batches, end, "circuits"))
    return values.clone()


def _stand_ins(
    run: Run, ablation: Ablation, other_tokens: Tensor | None
) -> Float[Tensor, "sender batch pos d_model"]:
    """What stands for each sender's output where it is ablated."""
    if ablation == "zero":
        return torch.zeros_like(run.writes())
    other = Run(run.arithmetic, other_tokens.to(run.positions.device)).writes()
    return other if ablation == "resample" else other.mean(1, keepdim=True).expand(-1, run.batch, -1, -1)


def _final(
    arithmetic: Arithmetic,
    graph: Graph,
    embedding: Float[Tensor, "batch pos d_model"],
    kept: Float[Tensor, "circuit receiver sender"],
    stands: Float[Tensor, "sender batch pos d_model"],
) -> Float[Tensor, "circuit batch pos d_model"]:
    """The end of the stream of each circuit."""
    circuits, heads = len(kept), arithmetic.n_heads
    everywhere = slice(embedding.shape[1])
    # of each sender: what it writes in each circuit, less what stands for it
    differences = stands.new_zeros(len(graph.senders), circuits, *embedding.shape)
    differences[0] = embedding - stands[0]
    ablated, written, read = (
        stands[0].clone(),
        1,
        0,
    )  # the stream if all is ablated; senders and receivers so far

    def heard(receivers: int) -> Float[Tensor, "circuit receiver batch pos d_model"]:
        """The next receivers' inputs."""
        nonlocal read
        mask = kept[:, read : read + receivers, :written]
        read += receivers
        messages = differences[:written].flatten(2).transpose(0, 1)  # (circuit, sender, ...)
        return ablated + (mask @ messages).unflatten(-1, embedding.shape)

    def write(output: Float[Tensor, "sender circuit batch pos d_model"]) -> None:
        nonlocal written, ablated
        its = stands[written : written + len(output)]
        differences[written : written + len(output)] = output - its[:, None]
        ablated = ablated + its.sum(0)
        written += len(output)

    for number, layer in enumerate(arithmetic.layers):
        vectors = {}
        for letter in ("q", "k", "v"):
            normed = arithmetic.placed(letter, layer.norm1(heard(heads)), everywhere)
            weight, bias = (one.unflatten(0, (heads, -1)) for one in layer.qkv[letter])
            vectors[letter] = torch.einsum("chbpm,hdm->cbphd", normed, weight) + bias
        z = arithmetic.attend(vectors["q"], vectors["k"], vectors["v"], everywhere)
        write(torch.einsum("cbphd,hdm->hcbpm", z, layer.W_O))
        ablated = ablated + layer.b_O
        if not arithmetic.attn_only:
            write(arithmetic.mlp_out(number, heard(1)[:, 0])[None])
    return heard(1)[:, 0]


def _refuse(ablation: str, tokens: Tensor, other_tokens: Tensor | None) -> None:
    if ablation not in ("zero", "mean", "resample"):
        raise ValueError(f"ablation is {ablation!r}; wanted 'zero', 'mean' or 'resample'.")
    if ablation == "zero":
        return
    if other_tokens is None:
        raise ValueError(f"{ablation!r} ablation needs other_tokens: the prompts that stand in.")
    fits = (
        other_tokens.shape == tokens.shape
        if ablation == "resample"
        else other_tokens.shape[1:] == tokens.shape[1:]
    )
    if not fits:
        shapes = f"{tuple(other_tokens.shape)} and {tuple(tokens.shape)}"
        raise ValueError(f"other_tokens do not fit the tokens: their shapes are {shapes}.")
