"""A model as a graph of what writes into the residual stream and what reads from it.

    graph = Graph.of(model)
    len(graph.edges)                      # 927 in tiny-gpt2, 32,491 in GPT-2 small
    graph.edge("L0H3 -> L1H2.k")          # an edge by its label
    graph.mask(circuit)                   # a set of edges as a tensor; back again: graph.chosen(mask)

Each sender (the embedding, a head, an MLP) adds to the stream. Each input of a receiver (a head's q, k and v,
an MLP's mlp_in, the logits) reads the sum of all senders before it. An edge is one term of one such sum.
Source: Conmy et al. 2023, arXiv 2304.14997 (ACDC).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Bool
from torch import Tensor
from transformer_lens import TransformerBridge

Kind = Literal["embedding", "head", "mlp", "logits"]
INPUTS: dict[str, tuple[str, ...]] = {"head": ("q", "k", "v"), "mlp": ("mlp_in",), "logits": ("logits",)}


@dataclass(frozen=True)
class Node:
    """A part of the model. layer: of heads and MLPs. head: of heads."""

    kind: Kind
    layer: int | None = None
    head: int | None = None

    @property
    def label(self) -> str:
        """As in the literature: "embedding", "L3H0", "MLP 2", "logits"."""
        if self.kind == "head":
            return f"L{self.layer}H{self.head}"
        return f"MLP {self.layer}" if self.kind == "mlp" else self.kind

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class Receiver:
    """One input of a node: q, k or v of a head, mlp_in of an MLP, the logits' own."""

    node: Node
    input: str

    @property
    def label(self) -> str:
        """A head's input is named, others have one only: "L3H0.q", "MLP 2", "logits"."""
        return f"{self.node.label}.{self.input}" if self.node.kind == "head" else self.node.label

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class Edge:
    """What one sender adds to one input."""

    sender: Node
    receiver: Receiver

    @property
    def label(self) -> str:
        """Such as "L0H3 -> L3H0.q"."""
        return f"{self.sender.label} -> {self.receiver.label}"

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class Graph:
    """All nodes and edges of a model of this shape, in the order in which it computes them.

    A tensor over edges has the shape (receiver, sender), with `edge_index` for where an edge is.
    """

    n_layers: int
    n_heads: int
    attn_only: bool = False

    @classmethod
    def of(cls, model: TransformerBridge) -> "Graph":
        """The graph of a model."""
        return cls(model.cfg.n_layers, model.cfg.n_heads, bool(model.cfg.attn_only))

    @cached_property
    def senders(self) -> tuple[Node, ...]:
        """The embedding, then each layer's heads and its MLP."""
        found = [Node("embedding")]
        for layer in range(self.n_layers):
            found += [Node("head", layer, head) for head in range(self.n_heads)]
            if not self.attn_only:
                found.append(Node("mlp", layer))
        return tuple(found)

    @cached_property
    def receivers(self) -> tuple[Receiver, ...]:
        """Each layer's q of all heads, then k, then v, then the MLP; at last the logits."""
        found = []
        for layer in range(self.n_layers):
            heads = [Node("head", layer, head) for head in range(self.n_heads)]
            found += [Receiver(node, letter) for letter in INPUTS["head"] for node in heads]
            if not self.attn_only:
                found.append(Receiver(Node("mlp", layer), "mlp_in"))
        return (*found, Receiver(Node("logits"), "logits"))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge, receiver by receiver."""
        return tuple(
            Edge(sender, receiver) for receiver in self.receivers for sender in self.senders_of(receiver)
        )

    def senders_of(self, receiver: Receiver) -> tuple[Node, ...]:
        """What an input reads: all that was written before it."""
        return self.senders[: self.senders_before(receiver.node)]

    def senders_before(self, node: Node) -> int:
        """How many senders write before a node reads: they are the first ones of `senders`."""
        if node.kind == "logits":
            return len(self.senders)
        each = self.n_heads + (not self.attn_only)
        return 1 + node.layer * each + (self.n_heads if node.kind == "mlp" else 0)

    @cached_property
    def sender_index(self) -> dict[Node, int]:
        """Where a sender stands in `senders`."""
        return {sender: i for i, sender in enumerate(self.senders)}

    @cached_property
    def receiver_index(self) -> dict[Receiver, int]:
        """Where an input stands in `receivers`."""
        return {receiver: i for i, receiver in enumerate(self.receivers)}

    @cached_property
    def edge_index(self) -> tuple[Tensor, Tensor]:
        """Receiver and sender numbers of `edges`: a (receiver, sender) tensor there is a row of edges."""
        return torch.tensor(
            [(self.receiver_index[e.receiver], self.sender_index[e.sender]) for e in self.edges]
        ).T.unbind()

    def receiver_at(self, layer: int | None, letter: str, head: int | None = None) -> int:
        """Where an input stands in `receivers`, by its layer, letter and head; None where it has none."""
        kind = next(kind for kind, letters in INPUTS.items() if letter in letters)
        return self.receiver_index[Receiver(Node(kind, layer, head), letter)]

    def place(self, edge: Edge) -> tuple[int, int]:
        """Where an edge is in a (receiver, sender) tensor. Raises KeyError for one that the graph has not."""
        place = self.receiver_index[edge.receiver], self.sender_index[edge.sender]
        if place[1] >= self.senders_before(edge.receiver.node):
            raise KeyError(f"no edge {edge.label!r}: its sender writes after the input is read.")
        return place

    def mask(self, edges: Iterable[Edge]) -> Bool[Tensor, "receiver sender"]:
        """True at each of these edges. Raises KeyError for one that the graph has not."""
        mask = torch.zeros(len(self.receivers), len(self.senders), dtype=torch.bool)
        for edge in edges:
            mask[self.place(edge)] = True
        return mask

    def chosen(self, mask: Bool[Tensor, "receiver sender"]) -> list[Edge]:
        """The edges at which a mask is True."""
        kept = mask[self.edge_index].tolist()
        return [edge for edge, keep in zip(self.edges, kept, strict=True) if keep]

    def edge(self, label: str) -> Edge:
        """The edge of a label, such as "L0H3 -> L3H0.q". Raises KeyError, with an example, for any other."""
        if label not in self._edge_of:
            raise KeyError(f"no edge {label!r}; wanted one such as {self.edges[-1].label!r}.")
        return self._edge_of[label]

    def node(self, label: str) -> Node:
        """The node of a label, such as "L3H0" or "MLP 2". Raises KeyError for any other."""
        for node in (*self.senders, Node("logits")):
            if node.label == label:
                return node
        raise KeyError(f"no node {label!r}; wanted one such as {self.senders[-1].label!r}.")

    def among(self, nodes: Iterable[Node]) -> list[Edge]:
        """The edges between these nodes: what a circuit that was found as a set of nodes keeps."""
        kept = set(nodes)
        return [edge for edge in self.edges if edge.sender in kept and edge.receiver.node in kept]

    @cached_property
    def _edge_of(self) -> dict[str, Edge]:
        return {edge.label: edge for edge in self.edges}
