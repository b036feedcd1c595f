"""Edges, exact and estimated; paths; circuits: against runs that add up messages by hand."""

import random
import warnings
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from transformer_lens.tools.analysis import attribution_patching

from patchbook import load_model, reference_for
from patchbook.checking.awkward import awkward_attn_only, awkward_model, random_tokens
from patchbook.patching import paths
from patchbook.patching.circuits import run_circuit
from patchbook.patching.edges import edge_effects, edge_effects_by_prompt
from patchbook.patching.estimates import attribute, attribute_by_prompt
from patchbook.patching.graph import Graph
from tests.project.plain_edges import plain_edge_effect, plain_run
from tests.project.test_patching_sweeps import random_gpt2

ROWS, ENDS, ANSWERS = torch.arange(3), torch.tensor([4, 2, 3]), torch.tensor([3, 4, 5])
CLEAN, CORRUPTED = random_tokens(3, 3, 5), random_tokens(4, 3, 5)
CORRUPTED[:, 0] = CLEAN[:, 0]  # prompts begin alike
MODELS = {
    "awkward": lambda: awkward_model(1, dtype=torch.float64, n_layers=2),
    "attention only": lambda: awkward_attn_only(0),
    "tiny-gpt2": lambda: load_model("tiny-gpt2"),
}


def at_the_ends(logits):
    return (logits[ROWS, ENDS, ANSWERS] - logits[ROWS, ENDS, 9]).mean()


def everywhere(logits):
    return logits.log_softmax(-1)[:, :, 5].mean()


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]()


@pytest.fixture(scope="module")
def tiny():
    return load_model("tiny-gpt2")


def some_edges(graph, number):
    """Some at random, and those into the last MLP and the logits."""
    return [*random.Random(0).sample(graph.edges, number), *graph.edges[-number:]]


@pytest.mark.parametrize("metric", [at_the_ends, everywhere])
def test_exact_edges_are_those_of_a_run_that_adds_up_messages_by_hand(model, metric):
    graph = Graph.of(model)
    edges = some_edges(graph, 8)
    found = edge_effects(model, CLEAN, CORRUPTED, metric, edges)
    assert found.row.isfinite().sum() == len(set(edges))
    with torch.no_grad():
        for edge in edges:
            wanted = plain_edge_effect(model, CLEAN, CORRUPTED, metric, edge)
            assert found.of(edge.label) == pytest.approx(wanted, abs=1e-5), edge.label


def test_all_edges_at_once_are_the_same_as_some():
    model = awkward_model(1, dtype=torch.float64, n_layers=2)
    graph, found = Graph.of(model), edge_effects(model, CLEAN, CORRUPTED, at_the_ends)
    edges = some_edges(graph, 20)
    some = edge_effects(model, CLEAN, CORRUPTED, at_the_ends, edges)
    assert all(found.of(edge.label) == pytest.approx(some.of(edge.label), abs=1e-12) for edge in edges)
    assert found.row.isfinite().all() and found.values.isnan().sum() == found.values.numel() - len(
        graph.edges
    )
    assert edge_effects(model, CLEAN, CLEAN, at_the_ends, edges).row.nan_to_num().abs().max() < 1e-12
    (first, size), *_ = found.top(3)
    assert size == found.of(first.label) and abs(size) == found.row.abs().max()


def name_of(writer, reader) -> str:
    """TransformerLens's pair of nodes as our label."""
    head = f"L{writer.layer}H{writer.head}"
    sender = {"embed": "embedding", "attn_head_out": head, "mlp_out": f"MLP {writer.layer}"}[writer.kind]
    others = {"mlp_in": f"MLP {reader.layer}", "logits": "logits"}
    return f"{sender} -> {others.get(reader.kind) or f'L{reader.layer}H{reader.head}.{reader.kind[0]}'}"


@pytest.mark.parametrize("which", ["tiny-gpt2", "random GPT-2"])
def test_estimates_are_transformer_lens_own(which, tmp_path):
    model = load_model(which) if which == "tiny-gpt2" else random_gpt2(tmp_path)

    def metric(logits):
        return (logits[:, -1, 3] - logits[:, -1, 9]).mean()

    edges = attribution_patching.EdgeAttributionConfig(granularity="edge")
    with torch.enable_grad(), warnings.catch_warnings(action="ignore"):
        theirs = attribution_patching.attribution_patch(model, CLEAN, CORRUPTED, metric, edges)
    wanted: dict[str, float] = {}
    for (writer, reader), score in theirs.edge_scores.items():  # theirs are for each position
        wanted[name_of(writer, reader)] = wanted.get(name_of(writer, reader), 0.0) + score
    found = attribute(model, CLEAN, CORRUPTED, metric)
    assert {edge.label for edge in found.graph.edges} == set(wanted)
    assert all(found.of(label) == pytest.approx(score, abs=1e-5) for label, score in wanted.items())


def test_estimates_are_the_gradient_at_each_input_of_a_run_by_hand(model):
    """TransformerLens's needs hooks that native models have not: here with autograd, one by one."""
    graph = Graph.of(model)
    edges = some_edges(graph, 10)
    with torch.no_grad():
        (_, clean), (_, corrupted) = plain_run(model, CLEAN), plain_run(model, CORRUPTED)
    heard = {}

    def message(sender, receiver, written):
        heard[sender, receiver] = written + torch.zeros_like(written, requires_grad=True)
        heard[sender, receiver].retain_grad()
        return heard[sender, receiver]

    with torch.enable_grad():
        at_the_ends(plain_run(model, CORRUPTED, message)[0]).backward()
    model.zero_grad()
    found = attribute(model, CLEAN, CORRUPTED, at_the_ends)
    for edge in edges:
        sender, receiver = edge.sender.label, edge.receiver.label
        wanted = ((clean[sender] - corrupted[sender]) * heard[sender, receiver].grad).sum().item()
        assert found.of(edge.label) == pytest.approx(wanted, abs=1e-5), edge.label


def each_at_its_end(logits):
    return logits[ROWS, ENDS, ANSWERS] - logits[ROWS, ENDS, 9]


def test_the_mean_over_prompts_of_each_prompts_edges_is_the_edges_of_the_mean(model):
    given = (model, CLEAN, CORRUPTED)
    estimated, exact = (
        attribute_by_prompt(*given, each_at_its_end, steps=3),
        edge_effects_by_prompt(*given, each_at_its_end),
    )
    torch.testing.assert_close(estimated.mean(0), attribute(*given, at_the_ends, steps=3).row)
    torch.testing.assert_close(exact.mean(0), edge_effects(*given, at_the_ends).row, rtol=1e-4, atol=1e-5)
    assert estimated.shape == exact.shape == (len(ROWS), len(Graph.of(model).edges))
    assert estimated.std(0).max() > 1e-3 and exact.std(0).max() > 1e-3


def test_estimates_are_exact_where_all_is_linear():
    """Without LayerNorm, and with patterns that no query can change, attention only moves and adds."""
    model = awkward_attn_only(0, dtype=torch.float64)
    with torch.no_grad():
        for layer in range(model.cfg.n_layers):
            for letter in "qk":
                getattr(model.blocks[layer].attn, letter).weight.zero_()
                getattr(model.blocks[layer].attn, letter).bias.zero_()

    def metric(logits):
        return (logits[:, -1, 3] - 2 * logits[:, 1, 9]).mean()

    exact = edge_effects(model, CLEAN, CORRUPTED, metric)
    assert exact.row.abs().max() > 0.1
    for steps in (None, 1, 3):
        found = attribute(model, CLEAN, CORRUPTED, metric, steps)
        assert (found.row - exact.row).abs().max() < 1e-9
    difference = (metric(model(CLEAN)) - metric(model(CORRUPTED))).item()
    assert found.nodes[found.graph.senders[0]] == pytest.approx(difference, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_with_steps_the_embeddings_edges_sum_to_the_difference_and_more_steps_miss_less(seed):
    model = awkward_model(seed, dtype=torch.float64, n_layers=2)
    clean, corrupted = random_tokens(seed + 10, 3, 5), random_tokens(seed + 20, 3, 5)
    with torch.no_grad():
        wanted = (everywhere(model(clean)) - everywhere(model(corrupted))).item()
    missed = []
    for steps in (4, 16, 64):
        found = attribute(model, clean, corrupted, everywhere, steps)
        missed.append(abs(found.nodes[found.graph.node("embedding")] - wanted))
    assert missed[2] < missed[0] / 8 and missed[2] < 0.01 * abs(wanted)


def test_a_metric_at_its_minimum_says_nothing():
    """The divergence from the run itself has no gradient there."""
    model = awkward_model(0, dtype=torch.float64, n_layers=2)
    with torch.no_grad():
        itself = model(CORRUPTED).log_softmax(-1)

    def divergence(logits):
        return (itself.exp() * (itself - logits.log_softmax(-1))).sum(-1).mean()

    assert attribute(model, CLEAN, CORRUPTED, divergence).row.abs().max() < 1e-9
    assert attribute(model, CLEAN, CORRUPTED, divergence, steps=2).row.abs().max() > 1e-3


@pytest.mark.parametrize("ablation", ["zero", "mean", "resample"])
def test_circuits_alone_are_those_of_a_run_that_adds_up_messages_by_hand(model, ablation):
    graph = Graph.of(model)
    others = None if ablation == "zero" else CORRUPTED
    draw = random.Random(1)
    circuits = [
        draw.sample(graph.edges, number) for number in (0, 20, len(graph.edges) - 3, len(graph.edges))
    ]
    with torch.no_grad():
        found = run_circuit(model, CLEAN, circuits, at_the_ends, ablation, others)
        _, other = plain_run(model, CORRUPTED)
        stands = {
            "zero": lambda sender: torch.zeros_like(other[sender]),
            "mean": lambda sender: other[sender].mean(0, keepdim=True).expand_as(other[sender]),
            "resample": lambda sender: other[sender],
        }[ablation]
        for circuit, value in zip(circuits, found, strict=True):
            kept = {(edge.sender.label, edge.receiver.label) for edge in circuit}

            def message(sender, receiver, written, kept=kept):
                return written if (sender, receiver) in kept else stands(sender)

            wanted = at_the_ends(plain_run(model, CLEAN, message)[0])
            assert value.item() == pytest.approx(wanted.item(), abs=1e-5)
        assert found[-1].item() == pytest.approx(at_the_ends(model(CLEAN)).item(), abs=1e-5)


def test_masks_are_circuits_and_what_does_not_fit_is_refused():
    model = awkward_model(1, n_layers=2)
    graph = Graph.of(model)
    half = graph.edges[::2]
    given = (model, CLEAN, [half, graph.mask(half)], at_the_ends)
    one, other = run_circuit(*given, "resample", CORRUPTED)
    assert one == other
    for wrong, ablation, tokens in (
        ("needs other_tokens", "mean", None),
        ("do not fit", "resample", CORRUPTED[:2]),
        ("'none'", "none", None),
    ):
        with pytest.raises(ValueError, match=wrong):
            run_circuit(*given, ablation, tokens)
    with pytest.raises(ValueError, match="one shape"):
        edge_effects(model, CLEAN, CORRUPTED[:, :3], at_the_ends)
    with pytest.raises(ValueError, match="one step"):
        attribute(model, CLEAN, CORRUPTED, at_the_ends, steps=0)


@dataclass
class Prompts:
    toks: Tensor


def test_paths_to_the_end_are_the_specifications(tiny):
    name = "get_path_patch_head_to_final_resid_post"
    for model in (awkward_model(1, dtype=torch.float64), tiny):
        given = (model, at_the_ends, Prompts(CLEAN), Prompts(CORRUPTED))
        with torch.no_grad():
            wanted = reference_for(name)(*given)
            cached = getattr(paths, name)(*given, new_cache=model.run_with_cache(CLEAN)[1])
        found = getattr(paths, name)(*given)
        assert (found - wanted).abs().max() < 1e-5 and (cached - wanted).abs().max() < 1e-5


@pytest.mark.parametrize("receivers", [[(1, 0)], [(2, 0), (2, 4), (1, 1)]])
@pytest.mark.parametrize("letter", ["q", "k", "v"])
def test_paths_to_heads_are_the_specifications(receivers, letter):
    model = awkward_model(1, dtype=torch.float64)
    given = (receivers, letter, model, everywhere, Prompts(CLEAN), Prompts(CORRUPTED))
    with torch.no_grad():
        wanted = reference_for("get_path_patch_head_to_heads")(*given)
    found = paths.get_path_patch_head_to_heads(*given)
    assert found.shape == wanted.shape and (found - wanted).abs().max() < 1e-9
    assert found.axes["layer"] == [str(layer) for layer in range(len(wanted))]
    with pytest.raises(ValueError, match="'pattern'"):
        paths.get_path_patch_head_to_heads(receivers, "pattern", *given[2:])


def test_scores_draw_themselves_and_add_up_to_nodes(tiny):
    found = attribute(tiny, CLEAN, CORRUPTED, at_the_ends)
    figure = found.draw("Edges", "logit difference")
    assert len(figure.data[0].x) == 29 and len(figure.data[0].y) == len(found.graph.receivers)
    mover = found.graph.node("L3H0")
    assert found.nodes[mover] == pytest.approx(
        sum(found.of(edge.label) for edge in found.graph.edges if edge.sender == mover), abs=1e-5
    )
