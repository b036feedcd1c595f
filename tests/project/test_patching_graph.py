"""A model as a graph: how many edges it has, in which order, and by which names."""

import pytest
import torch

from patchbook import load_model
from patchbook.patching.graph import Edge, Graph, Node, Receiver

AWKWARD = Graph(n_layers=3, n_heads=5)


@pytest.mark.parametrize(
    ("graph", "edges"),
    [(Graph(4, 6), 927), (Graph(12, 12), 32_491), (Graph(2, 5, attn_only=True), 2 * 15 + 5 * 15 + 11)],
)
def test_there_are_as_many_edges_as_counted_by_hand(graph, edges):
    assert len(graph.edges) == len(set(graph.edges)) == edges
    assert len({edge.label for edge in graph.edges}) == edges


def test_the_shape_is_the_models():
    assert Graph.of(load_model("tiny-gpt2")) == Graph(4, 6)
    assert Graph.of(load_model("tiny-attn-only")) == Graph(2, 5, attn_only=True)


def test_an_input_reads_all_that_was_written_before_it():
    nodes = [node.label for node in AWKWARD.senders]
    assert nodes[:8] == ["embedding", "L0H0", "L0H1", "L0H2", "L0H3", "L0H4", "MLP 0", "L1H0"]
    read = {
        label: AWKWARD.senders_of(receiver)[-1].label
        for receiver in AWKWARD.receivers
        if (label := receiver.label) in ("L0H4.q", "L1H0.k", "L2H3.v", "MLP 0", "MLP 2", "logits")
    }
    assert read == {
        "L0H4.q": "embedding",
        "MLP 0": "L0H4",
        "L1H0.k": "MLP 0",
        "L2H3.v": "MLP 1",
        "MLP 2": "L2H4",
        "logits": "MLP 2",
    }


def test_without_mlps_none_is_named():
    graph = Graph(2, 3, attn_only=True)
    assert [node.label for node in graph.senders] == [
        "embedding",
        "L0H0",
        "L0H1",
        "L0H2",
        "L1H0",
        "L1H1",
        "L1H2",
    ]
    assert {receiver.input for receiver in graph.receivers} == {"q", "k", "v", "logits"}


def test_labels_lead_back():
    assert all(AWKWARD.edge(edge.label) == edge for edge in AWKWARD.edges)
    assert AWKWARD.edge("L0H3 -> L1H2.k") == Edge(Node("head", 0, 3), Receiver(Node("head", 1, 2), "k"))
    assert AWKWARD.node("MLP 2") == Node("mlp", 2)
    for wrong in ("L1H0 -> L0H0.q", "L1H0 -> L1H1.q", "MLP 2 -> MLP 2", "L0H3 -> L1H2"):
        with pytest.raises(KeyError, match="wanted one such as 'MLP 2 -> logits'"):
            AWKWARD.edge(wrong)


def test_a_mask_is_a_set_of_edges():
    some = AWKWARD.edges[::7]
    mask = AWKWARD.mask(some)
    assert mask.shape == (len(AWKWARD.receivers), len(AWKWARD.senders)) and mask.sum() == len(some)
    assert AWKWARD.chosen(mask) == [*some]
    assert torch.equal(mask[AWKWARD.edge_index].nonzero()[:, 0], torch.arange(0, len(AWKWARD.edges), 7))
    backwards = Edge(Node("mlp", 2), Receiver(Node("head", 0, 0), "q"))
    with pytest.raises(KeyError, match="writes after"):
        AWKWARD.mask([backwards])


def test_nodes_keep_the_edges_between_them():
    few = [AWKWARD.node(label) for label in ("embedding", "L0H1", "MLP 1", "logits")]
    assert [edge.label for edge in AWKWARD.among(few)] == [
        "embedding -> L0H1.q",
        "embedding -> L0H1.k",
        "embedding -> L0H1.v",
        "embedding -> MLP 1",
        "L0H1 -> MLP 1",
        "embedding -> logits",
        "L0H1 -> logits",
        "MLP 1 -> logits",
    ]
