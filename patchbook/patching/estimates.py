"""What every edge's patch would do, estimated by gradients: two runs and one backward pass for all of them.

    scores = attribute(model, clean_tokens, corrupted_tokens, metric)              # EAP
    scores = attribute(model, clean_tokens, corrupted_tokens, metric, steps=10)    # EAP-IG

An edge's estimate is (what its sender writes on the clean prompt - what on the corrupted one) · (the metric's
gradient at the receiver's input). The sign is TransformerLens's, and that of `edge_effects`: positive where
the clean message moves the metric up. The gradient is the corrupted run's (EAP); with steps it is the mean
over runs whose embedding is on the way from the corrupted prompt's to the clean one's (EAP-IG). The steps
stand in the middle of equal parts of the way, so the embedding's edges sum to metric(clean) -
metric(corrupted), up to an error that falls with the square of their number.
Sources: Syed et al. 2023, arXiv 2310.10348 (EAP); Hanna et al. 2024, arXiv 2403.17806 (EAP-IG).
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.patching.arithmetic import Arithmetic
from patchbook.patching.edges import EdgeScores, messages, same_shape
from patchbook.patching.graph import Graph
from patchbook.patching.patches import Bench
from patchbook.patching.progress import progress
from patchbook.patching.reading import Metric


def attribute(
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch pos"],
    metric: Metric,
    steps: int | None = None,
) -> EdgeScores:
    """The estimated metric(patched) - metric(corrupted) of every edge. `.nodes` has it for whole outputs.

    metric: one number, such as a mean over the prompts, that has a gradient. steps: None is EAP, a number
    EAP-IG. Raises ValueError for tokens of two shapes, no steps at all, or a model that `Bench` refuses.
    """
    graph = Graph.of(model)
    scores = _estimated(graph, model, clean_tokens, corrupted_tokens, metric, steps).sum(0)
    edges = graph.mask(graph.edges).to(scores.device)
    return EdgeScores(graph, scores.masked_fill(~edges, torch.nan))


def attribute_by_prompt(
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch pos"],
    metric: Metric,
    steps: int | None = None,
) -> Float[Tensor, "batch edge"]:
    """As `attribute`, of each prompt by itself, in the order of `graph.edges`.

    metric: a number for each prompt.
    """
    graph = Graph.of(model)
    receivers, senders = graph.edge_index
    return _estimated(graph, model, clean_tokens, corrupted_tokens, metric, steps)[:, receivers, senders]


def _estimated(
    graph: Graph,
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch pos"],
    metric: Metric,
    steps: int | None,
) -> Float[Tensor, "batch receiver sender"]:
    """What each prompt adds to every edge's estimate."""
    same_shape(clean_tokens, corrupted_tokens)
    if steps is not None and steps < 1:
        raise ValueError(f"wanted one step or more, got {steps}; None is the gradient of the corrupted run.")
    with torch.no_grad():
        bench = Bench(model, corrupted_tokens, metric)
        changes = messages(bench.run, clean_tokens)
    corrupted, way = bench.run.stream[0], changes[0]
    shares = [0.0] if steps is None else [(step + 0.5) / steps for step in range(steps)]
    scores = corrupted.new_zeros(len(corrupted), len(graph.receivers), len(graph.senders))
    for share in progress(shares, "gradients"):
        first = 0
        for gradients in input_gradients(bench.arithmetic, corrupted + share * way, metric):
            scores[:, first : first + len(gradients)] += torch.einsum("sbpm,rbpm->brs", changes, gradients)
            first += len(gradients)
    return scores / len(shares)


def input_gradients(
    arithmetic: Arithmetic, embedding: Float[Tensor, "batch pos d_model"], metric: Metric
) -> Iterator[Float[Tensor, "receiver batch pos d_model"]]:
    """The metric's gradient at every input, in the order of a graph's receivers, a few of them at a time."""
    with torch.inference_mode(False), torch.enable_grad():
        everywhere = slice(embedding.shape[1])
        stream = embedding.clone().requires_grad_()
        reads: list[
            tuple
        ] = []  # the norm in front, the stream it reads, what is read, what of it each receiver has
        for number, layer in enumerate(arithmetic.layers):
            normed = layer.norm1(stream)
            vectors = {letter: arithmetic.read(number, letter, normed, everywhere) for letter in "qkv"}
            for letter, vector in vectors.items():
                weight = layer.qkv[letter][0].unflatten(0, (arithmetic.n_heads, -1))
                reads.append((layer.norm1, stream, vector, weight))
            stream = stream + arithmetic.attn_out(number, arithmetic.attend(**vectors, at=everywhere))
            if not arithmetic.attn_only:
                normed = layer.norm2(stream)
                reads.append((layer.norm2, stream, normed, None))
                stream = stream + arithmetic.mlp(number, normed)
        value = metric(arithmetic.logits(stream)).sum()  # of prompts: none reads another's stream
        found = torch.autograd.grad(value, [*(vector for _, _, vector, _ in reads), stream])
        for (norm, its, _, weight), gradient in zip(reads, found[:-1], strict=True):
            each = gradient[None] if weight is None else torch.einsum("bphd,hdm->hbpm", gradient, weight)
            yield through(norm, its, each)
        yield found[-1][None]


def through(norm, stream: Tensor, gradient: Float[Tensor, "receiver batch pos d_model"]) -> Tensor:
    """A gradient behind a LayerNorm, as one in front of it; each receiver has a LayerNorm of its own."""
    inputs = stream.detach().expand_as(gradient).clone().requires_grad_()
    return torch.autograd.grad(norm(inputs), inputs, gradient)[0]
