"""Every edge patched exactly: one input hears one sender's other run, and all else follows.

    effects = edge_effects(model, clean_tokens, corrupted_tokens, metric)
    effects.row                   # one number for each of effects.graph.edges
    effects.top(10)               # [(edge, effect), ...]

The sign is TransformerLens's for its estimates: the run is the corrupted one, the message the clean run's,
and the effect is metric(patched) - metric(corrupted). Positive: the clean message moves the metric up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.patching.costs import Costs, Entry
from patchbook.patching.graph import Edge, Graph, Node
from patchbook.patching.labelled import Labelled
from patchbook.patching.patches import Bench
from patchbook.patching.reading import Metric
from patchbook.patching.suffix import Rows, Run, Suffix


@dataclass(frozen=True)
class EdgeScores:
    """A number for each edge. values: (receiver, sender), nan where there is no edge or none was scored."""

    graph: Graph
    values: Float[Tensor, "receiver sender"]

    @property
    def row(self) -> Float[Tensor, " edge"]:
        """The numbers in the order of `graph.edges`."""
        return self.values[self.graph.edge_index]

    @property
    def nodes(self) -> dict[Node, float]:
        """For each sender the sum over its edges: of estimates, that for its whole output."""
        return dict(zip(self.graph.senders, self.values.nansum(0).tolist(), strict=True))

    def of(self, label: str) -> float:
        """The number of an edge, such as "L0H3 -> L1H2.k"."""
        return self.values[self.graph.place(self.graph.edge(label))].item()

    def top(self, number: int) -> list[tuple[Edge, float]]:
        """So many edges with their numbers, the largest in size first."""
        row = self.row.nan_to_num()
        return [(self.graph.edges[i], row[i].item()) for i in row.abs().argsort(descending=True)[:number]]

    def draw(self, title: str, colorbar: str = ""):
        """A heat map of senders and inputs, as a plotly figure."""
        senders = [sender.label for sender in self.graph.senders]
        receivers = [receiver.label for receiver in self.graph.receivers]
        return Labelled.made(self.values, {"receiver": receivers, "sender": senders}).draw(title, colorbar)


def edge_effects(
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch pos"],
    metric: Metric,
    edges: Iterable[Edge] | None = None,
) -> EdgeScores:
    """metric(patched) - metric(corrupted) for each edge; None is all of them. Exact, and a run for each.

    Raises ValueError for tokens of two shapes, or a model that `Bench` refuses.
    """
    graph = Graph.of(model)
    return EdgeScores(graph, _effects(graph, model, clean_tokens, corrupted_tokens, metric, edges))


def edge_effects_by_prompt(
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch pos"],
    metric: Metric,
) -> Float[Tensor, "batch edge"]:
    """As `edge_effects`, of each prompt by itself, in the order of `graph.edges`.

    metric: a number for each prompt.
    """
    graph = Graph.of(model)
    return _effects(graph, model, clean_tokens, corrupted_tokens, metric)[graph.edge_index].T


def _effects(
    graph: Graph,
    model: TransformerBridge,
    clean_tokens: Int[Tensor, "batch pos"],
    corrupted_tokens: Int[Tensor, "batch pos"],
    metric: Metric,
    edges: Iterable[Edge] | None = None,
) -> Float[Tensor, "receiver sender *prompt"]:
    """The effects of edges, nan elsewhere; with an axis of prompts where the metric has one."""
    same_shape(clean_tokens, corrupted_tokens)
    groups: dict[tuple[int | None, str], dict[int, list[int | None]]] = {}
    for edge in dict.fromkeys(graph.edges if edges is None else edges):
        node, sender = edge.receiver.node, graph.sender_index[edge.sender]
        groups.setdefault((node.layer, edge.receiver.input), {}).setdefault(sender, []).append(node.head)
    with torch.inference_mode():
        bench = Bench(model, corrupted_tokens, metric)
        changes = messages(bench.run, clean_tokens)
        ways = {key: Way(bench.run, *key, changes) for key in groups}

        def batches(costs: Costs) -> list:
            return [
                (key, batch)
                for key, heads in groups.items()
                for batch in costs.alike(
                    sorted(heads.items()), ways[key].entry, max(map(len, heads.values()))
                )
            ]

        values = bench.scored(batches, lambda suffix, batch: ways[batch[0]].end(suffix, batch[1]), "edges")
        unpatched = metric(bench.logits)
        shape = len(graph.receivers), len(graph.senders), *unpatched.shape
        scores = unpatched.new_full(shape, torch.nan)
        ran = [
            (graph.receiver_at(*key, head), sender)
            for key, batch in batches(bench.costs)
            for sender, heads in batch
            for head in heads
        ]
        for place, value in zip(ran, values, strict=True):
            scores[place] = value - unpatched
    return scores.clone()


def messages(run: Run, clean_tokens: Tensor) -> Float[Tensor, "sender batch pos d_model"]:
    """What each sender writes on the clean tokens, less what it writes in `run`."""
    clean = Run(run.arithmetic, clean_tokens.to(run.positions.device))
    return clean.writes() - run.writes()


def same_shape(clean_tokens: Tensor, corrupted_tokens: Tensor) -> None:
    if clean_tokens.shape != corrupted_tokens.shape:
        raise ValueError(
            f"wanted clean and corrupted prompts of one shape, got {tuple(clean_tokens.shape)} and "
            f"{tuple(corrupted_tokens.shape)}."
        )


@dataclass(frozen=True)
class Way:
    """The inputs of one layer and letter, and what follows when each row's one hears another message.

    layer: None for the logits. changes: of `messages`. Items are a sender and the heads of this layer that
    hear it, the head None where an input has none.
    """

    run: Run
    layer: int | None
    letter: str
    changes: Float[Tensor, "sender batch pos d_model"]

    @cached_property
    def changed(self) -> Int[Tensor, " pos"]:
        """From the first position on at which anybody says something else: prompts often begin alike."""
        differs = (self.changes != 0).any(-1).flatten(0, 1).any(0)
        return self.run.positions[differs.cummax(0).values]

    @property
    def entry(self) -> Entry:
        """Where its rows enter."""
        start, changed = self.run.length - len(self.changed), len(self.changed)
        if self.layer is None:
            return Entry(len(self.run.k), start, changed)
        return Entry(self.layer + (self.letter == "mlp_in"), start, changed, self.letter != "mlp_in")

    def end(self, suffix: Suffix, items: list[tuple[int, list[int | None]]]) -> list[Rows]:
        """The end of each row's stream."""
        run, senders = self.run, [sender for sender, _ in items]
        last = len(run.k) - 1
        at = suffix.last if self.layer in (last, None) else self.changed
        if self.layer is None:
            return [Rows(last + 1, run.stream[-1][:, at] + self.changes[senders][:, :, at], at)]
        if self.letter == "mlp_in":
            mid = run.mid[self.layer][:, at]
            heard = run.arithmetic.mlp_out(self.layer, mid + self.changes[senders][:, :, at])
            return suffix.final([Rows(self.layer + 1, mid + heard, at)])
        stream = run.mid[self.layer][:, at] + self._written(items, at)
        return suffix.final([Rows(self.layer, stream, at, after_attention=True)])

    def _written(self, items: list[tuple[int, list[int]]], at: Tensor) -> Tensor:
        """What each row's head writes, less what it writes in the unpatched run."""
        run, arithmetic, layer = self.run, self.run.arithmetic, self.layer
        where = at if self.letter == "q" else run.positions
        heard = run.stream[layer][:, where] + self.changes[[sender for sender, _ in items]][:, :, where]
        read = arithmetic.read(layer, self.letter, arithmetic.layers[layer].norm1(heard), where)
        its = {"q": run.q[layer][:, at], "k": run.k[layer], "v": run.v[layer], self.letter: read}
        z = (
            arithmetic.attend(**its, at=at) - run.z[layer][:, at]
        )  # of all heads: (sender batch at head d_head)
        rows, heads = zip(*((row, head) for row, (_, its) in enumerate(items) for head in its), strict=True)
        return torch.einsum("rbpd,rdm->rbpm", z[rows, :, :, heads], arithmetic.layers[layer].W_O[[*heads]])
