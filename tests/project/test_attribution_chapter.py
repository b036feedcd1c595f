"""Chapter 5's definitions: TransformerLens's numbers, the sum that is kept, a model where all agree."""

import pytest
import torch
from transformer_lens.tools.analysis.attribution_patching import EdgeAttributionConfig, attribution_patch

from patchbook.checking.awkward import awkward_attn_only, awkward_model, random_tokens
from patchbook.checking.prepared import tiny_gpt2
from patchbook.models import load_model
from patchbook.models.unfolded import run_graph
from patchbook.patching.graph import Graph
from patchbook.tests.attribution.prompts import linear_model, log_probability, pair
from patchbook.tests.specifications import edge_scores, node_scores

KINDS = {"attn_head_out": "L{0.layer}H{0.head}", "mlp_out": "MLP {0.layer}", "embed": "embedding"}
KINDS |= {f"{letter}_input": "L{0.layer}H{0.head}." + letter for letter in "qkv"}
KINDS |= {"mlp_in": "MLP {0.layer}", "logits": "logits"}


def label(node) -> str:
    """Our name of a node of TransformerLens's."""
    return KINDS[node.kind].format(node)


def summed(scores: dict, name) -> dict[str, float]:
    """Over positions: TransformerLens scores each by itself."""
    found: dict[str, float] = {}
    for key, score in scores.items():
        found[name(key)] = found.get(name(key), 0.0) + score
    return found


def transformer_lens(arguments: dict, granularity: str):
    model, clean, corrupted, metric = arguments.values()
    with torch.enable_grad():
        return attribution_patch(model, clean, corrupted, metric, EdgeAttributionConfig(granularity))


def assert_equal(got: dict[str, float], want: dict[str, float], within: float = 1e-5):
    assert got.keys() <= want.keys()
    torch.testing.assert_close(
        torch.tensor([got[name] for name in got]),
        torch.tensor([want[name] for name in got]),
        rtol=within,
        atol=within,
    )


@pytest.mark.parametrize("kind", ["awkward", "tiny-gpt2"])
def test_nodes_are_transformer_lenss_with_its_sign(kind):
    arguments = pair(3, kind, 1, 6)
    scores = summed(transformer_lens(arguments, "node").node_scores, label)
    assert_equal(node_scores.node_attribution(*arguments.values()), scores)


def test_edges_are_transformer_lenss_with_its_sign():
    arguments = pair(4, "tiny-gpt2", 1, 6)  # it knows the edges of no awkward model
    scores = transformer_lens(arguments, "edge").edge_scores
    ours = edge_scores.edge_attribution(*arguments.values())
    theirs = summed(scores, lambda edge: f"{label(edge[0])} -> {label(edge[1])}")
    assert len(theirs) == len(ours)
    assert_equal(ours, theirs)


MODELS = {
    "tiny-gpt2": lambda: tiny_gpt2(0),
    "tiny-attn-only": lambda: load_model("tiny-attn-only", device="cpu"),
    "awkward": lambda: awkward_model(1),
    "awkward-attn-only": lambda: awkward_attn_only(1),
}


@torch.no_grad()
@pytest.mark.parametrize("name", MODELS)
def test_a_model_taken_apart_gives_the_models_logits_and_the_graphs_names(name):
    model, tokens, read = MODELS[name](), random_tokens(1, 2, 7), []
    graph = Graph.of(model)
    logits, written = run_graph(model, tokens, lambda name, x: read.append(name) or x)
    torch.testing.assert_close(logits, model(tokens), rtol=1e-5, atol=1e-4)
    assert [*written] == [sender.label for sender in graph.senders]
    assert {*read} == {receiver.label for receiver in graph.receivers} and len(read) == len({*read})


def test_a_model_with_other_positions_is_not_taken_apart():
    model = awkward_model(0)
    model.cfg.positional_embedding_type = "shortformer"
    with pytest.raises(ValueError, match="'shortformer' positions"):
        run_graph(model, random_tokens(0))


@torch.no_grad()
def test_on_a_linear_model_estimates_are_exact():
    arguments = [*pair(5, "linear", 3, 4).values()]
    assert linear_model(5).cfg.normalization_type is None
    once = edge_scores.edge_attribution(*arguments)
    assert_equal(edge_scores.edge_patching(*arguments, [*once][::9]), once)
    assert_equal(edge_scores.edge_attribution_ig(*arguments, 2), once)


@torch.no_grad()
@pytest.mark.parametrize("seed", range(3))
def test_the_embeddings_edges_sum_to_the_whole_way_and_more_steps_miss_less(seed):
    model = awkward_model(seed, n_layers=2, n_heads=3, dtype=torch.float64)
    clean, corrupted = random_tokens(seed + 10, 3, 5), random_tokens(seed + 20, 3, 5)
    metric = log_probability(torch.tensor([[3], [5], [7]]))
    whole = (metric(model(clean)) - metric(model(corrupted))).item()
    missed = []
    for steps in (2, 8, 32):
        scores = edge_scores.edge_attribution_ig(model, clean, corrupted, metric, steps)
        total = sum(score for edge, score in scores.items() if edge.startswith("embedding"))
        missed.append(abs(total - whole))
    assert missed[2] < 0.01 * abs(whole) and missed[2] < missed[0] and missed[2] < 0.5 * missed[1]
