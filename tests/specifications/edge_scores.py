"""What chapter 5's exercises must compute: the effect of every edge, estimated and exact.

Sources: Syed et al. 2023, arXiv 2310.10348 (EAP); Hanna et al. 2024, arXiv 2403.17806 (EAP-IG).
"""

from jaxtyping import Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications import messages
from patchbook.tests.specifications.messages import Metric


def edge_attribution(
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch other"],
    metric: Metric,
) -> dict[str, float]:
    """The slope of the metric in every edge's knob, on the corrupted prompts."""
    changes = messages.changes(model, clean_tokens, corrupted_tokens)
    return messages.slopes(model, corrupted_tokens, metric, changes)


def edge_patching(
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch other"],
    metric: Metric,
    edges: list[str],
) -> dict[str, float]:
    """metric(patched) - metric(corrupted), one edge at a time."""
    changes = messages.changes(model, clean_tokens, corrupted_tokens)
    unpatched = metric(messages.run(model, corrupted_tokens)[0])
    effects = {}
    for edge in edges:
        patched = messages.with_knobs(model, corrupted_tokens, changes, {edge: 1.0})
        effects[edge] = (metric(patched) - unpatched).item()
    return effects


def edge_attribution_ig(
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch other"],
    metric: Metric,
    steps: int,
) -> dict[str, float]:
    """The mean slope over runs whose embedding is on the way from the corrupted to the clean one."""
    changes = messages.changes(model, clean_tokens, corrupted_tokens)
    start = messages.embed(model, corrupted_tokens)
    totals = dict.fromkeys(messages.labels(model), 0.0)
    for step in range(steps):
        embedding = start + (step + 0.5) / steps * changes["embedding"]
        for edge, slope in messages.slopes(model, corrupted_tokens, metric, changes, embedding).items():
            totals[edge] += slope
    return {edge: total / steps for edge, total in totals.items()}
