"""A circuit as a claim, declared in data, and all of it that can be measured: with controls.

    declared = {"model": "tiny-gpt2", "metric": "logit difference",
                "prompts": [{"clean": "…", "corrupted": "…", "right": " Mary", "wrong": " John"}, …],
                "falsify": […],                              # other prompts, on which it ought to hold, too
                "edges": ["L0H3 -> L1H2.k", …]}
    print(measured(declared))

What a circuit lacks is resampled from the corrupted prompts. Everything that is drawn by lot is drawn from
seeds of its own, so that the same declaration gives the same figures everywhere.
"""

import functools
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook import zoo
from patchbook.models import ModelUnavailable
from patchbook.models.copies import copy_of
from patchbook.patching.circuits import run_circuit
from patchbook.patching.evidence import Evidence, argued
from patchbook.patching.graph import Edge, Graph

MODELS = ("tiny-gpt2", *(f"tiny-gpt2@{seed}" for seed in range(1, 5)))
FEWEST, MOST = 6, 24  # prompts of one kind
LONGEST = 32  # tokens of a prompt
DRAWS = 20  # random circuits
RESAMPLES = 2000  # bootstraps of the prompts
SHARE = 0.5  # of the model's edges: with more, a circuit says little
PROMPT = ("clean", "corrupted", "right", "wrong")


class Unfit(ValueError):
    """A declaration that cannot be measured. id: a short name for what is wrong. next: what to look at."""

    def __init__(self, id: str, what: str, next: str = ""):
        super().__init__(what)
        self.id, self.what, self.next = id, what, next


@dataclass(frozen=True)
class Metric:
    """What is made of the logits. unit: in words.  enough: a lead that is a behaviour."""

    of: Callable[[Float[Tensor, "batch d_vocab"]], Float[Tensor, "batch d_vocab"]]
    unit: str
    enough: float


METRICS = {
    "logit difference": Metric(lambda logits: logits, "logits", 1.0),
    "probability difference": Metric(lambda logits: logits.softmax(-1), "of probability", 0.2),
}


@dataclass(frozen=True, eq=False)
class Prompts:
    """Prompts of one length, each with its corrupted one and both answers."""

    clean: Int[Tensor, "batch pos"]
    corrupted: Int[Tensor, "batch pos"]
    answers: Int[Tensor, "batch 2"]

    def __len__(self) -> int:
        return len(self.clean)

    def __getitem__(self, part: slice) -> "Prompts":
        return Prompts(self.clean[part], self.corrupted[part], self.answers[part])


@dataclass(frozen=True, eq=False)
class Task:
    """A behaviour: the model, what is measured, the prompts, and others that may falsify a claim."""

    model: TransformerBridge
    metric: Metric
    prompts: Prompts
    falsify: Prompts

    @functools.cached_property
    def graph(self) -> Graph:
        return Graph.of(self.model)

    def circuits(self, prompts: Prompts, circuits: Iterable[Iterable[Edge]]) -> Float[Tensor, " circuit"]:
        """The metric of each circuit alone: `lead` on the prompts."""
        lead, other = functools.partial(self.lead, prompts), prompts.corrupted
        return run_circuit(self.model, prompts.clean, [*circuits], lead, other_tokens=other).double()

    def lead(self, prompts: Prompts, logits: Float[Tensor, "batch pos d_vocab"]) -> Float[Tensor, ""]:
        """The lead of the right answer, in the mean over the prompts."""
        right, wrong = self.metric.of(logits[:, -1]).gather(1, prompts.answers).T
        return (right - wrong).mean()


@dataclass(frozen=True)
class Measured:
    """The figures of a declared circuit. Shares are of what the model does beyond nothing.

    behaviour: the lead of the right answer.  left: the share of it that the corrupted prompts leave.
    sufficient: the circuit's share, its faithfulness.  low: the lower end of the middle 95 % when the prompts
    are drawn again.  chance: the largest share of random circuits of its size.  necessary: the share that is
    lost without it.  elsewhere: its share on the prompts that may falsify it.
    """

    edges: int
    unit: str
    enough: float
    behaviour: float
    left: float
    sufficient: float
    low: float
    chance: float
    necessary: float
    elsewhere: float

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Each figure with the lines that it is judged by. They were drawn before anybody measured."""
        unit, enough = self.unit, self.enough
        return (
            Evidence(f"the right answer leads by {{:.2f}} {unit}", self.behaviour, enough, enough / 2),
            Evidence("of that the corrupted prompts leave {:.0%}", self.left, 0.5, 0.8),
            Evidence(f"these {self.edges} edges alone do {{:.0%}} of it", self.sufficient, 0.8, 0.5),
            Evidence("with other prompts it would be {:.0%} or more in 39 of 40 cases", self.low, 0.7, 0.4),
            Evidence(
                f"the best of {DRAWS} random circuits of this size does {{:.0%}}", self.chance, 0.2, 0.5
            ),
            Evidence("without them {:.0%} of it is lost", self.necessary, 0.5, 0.2),
            Evidence("on the prompts that may falsify it they do {:.0%}", self.elsewhere, 0.7, 0.5),
        )

    @property
    def verdict(self) -> str:
        """ "fails" where a figure speaks against it, "holds" where all speak for it, else "open"."""
        said = {item.verdict for item in self.evidence}
        return "fails" if "against" in said else "holds" if said == {"for"} else "open"

    def __str__(self) -> str:
        return argued(f"The claim {self.verdict if self.verdict != 'open' else 'is open'}.", self.evidence)


def measured(declared: dict[str, Any]) -> Measured:
    """Every figure of a declared circuit. Raises Unfit."""
    task = task_of(declared)
    return measured_on(task, edges_of(declared, task))


def measured_on(task: Task, edges: list[Edge]) -> Measured:
    """Every figure of a circuit."""
    graph, inside = task.graph, {edge.label for edge in edges}
    rest = [edge for edge in graph.edges if edge.label not in inside]
    drawn = [random.Random(number).sample(graph.edges, len(edges)) for number in range(DRAWS)]
    with torch.no_grad():
        values = task.circuits(task.prompts, [[], graph.edges, edges, rest, *drawn])
        shares = ((values - values[0]) / (values[1] - values[0])).tolist()
        other = task.circuits(task.falsify, [[], graph.edges, edges]).tolist()
        each = [
            task.circuits(task.prompts[i : i + 1], [[], graph.edges, edges]) for i in range(len(task.prompts))
        ]
    return Measured(
        edges=len(edges),
        unit=task.metric.unit,
        enough=task.metric.enough,
        behaviour=values[1].item(),
        left=(values[0] / values[1]).item(),
        sufficient=shares[2],
        low=_low(torch.stack(each)),
        chance=max(shares[4:]),
        necessary=1 - shares[3],
        elsewhere=(other[2] - other[0]) / (other[1] - other[0]),
    )


def _low(each: Float[Tensor, "prompt 3"]) -> float:
    """The lower end of the middle 95 % of the faithfulness when the prompts are drawn again."""
    drawn = torch.randint(len(each), (RESAMPLES, len(each)), generator=torch.Generator().manual_seed(0))
    empty, full, circuit = each[drawn].mean(1).T
    return ((circuit - empty) / (full - empty)).quantile(0.025).item()


def task_of(declared: Any) -> Task:
    """The task of a declaration. Raises Unfit where it is none, or where the model does not do it."""
    missing = [name for name in ("model", "metric", "prompts", "falsify") if not _has(declared, name)]
    if missing:
        raise Unfit(
            "not-a-task", f"it has no {missing[0]!r}.", "A task is a dictionary, as the examples are."
        )
    if str(declared["model"]) not in MODELS:
        raise Unfit(
            "unknown-model", f"wanted one of {', '.join(MODELS)} as the model.", "They ship with the course."
        )
    if str(declared["metric"]) not in METRICS:
        raise Unfit("unknown-metric", f"wanted one of {', '.join(METRICS)} as the metric.")
    model = _model(declared["model"])
    texts = [_texts(declared[kind], kind) for kind in ("prompts", "falsify")]
    if texts[0] & texts[1]:
        raise Unfit(
            "same-elsewhere",
            f"one of the prompts that may falsify it is not another: {min(texts[0] & texts[1])!r}.",
            "A claim that only knows its own prompts cannot be falsified. Write others.",
        )
    prompts, falsify = (_prompts(model, declared[kind], kind) for kind in ("prompts", "falsify"))
    task = Task(model, METRICS[declared["metric"]], prompts, falsify)
    for kind, some in (("prompts", prompts), ("falsify", falsify)):
        _refuse_no_behaviour(task, kind, some)
    return task


def edges_of(declared: dict[str, Any], task: Task) -> list[Edge]:
    """The circuit of a declaration, whose task is known. Raises Unfit."""
    labels, graph = declared.get("edges"), task.graph
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
        raise Unfit("no-edges", "wanted a list of edges under 'edges'.", "Such as ['L0H3 -> L1H2.k'].")
    if len(labels) > SHARE * len(graph.edges):
        raise Unfit(
            "too-large",
            f"{len(labels)} of {len(graph.edges)} edges are no circuit: nearly everything is in it.",
            f"At most {SHARE:.0%} of the edges are wanted. How few do it?",
        )
    try:
        edges = [graph.edge(label) for label in dict.fromkeys(labels)]
    except KeyError as error:
        raise Unfit(
            "no-such-edge", f"{error.args[0][:200]}", "Labels are spelled as graph.edges has them."
        ) from None
    if "logits" not in _reached(edges):
        raise Unfit(
            "no-path",
            "no path of these edges leads from the embedding to the logits.",
            "Nothing of the prompt can arrive. Which edges write to the logits, and what do those read?",
        )
    return edges


def worked(name: str) -> dict[str, Any]:
    """A worked example, "names" or "days": a declaration with edges, figures and a verdict."""
    return json.loads((zoo.ZOO / "worked" / f"{name}.json").read_text(encoding="utf-8"))


def _model(name: str) -> TransformerBridge:
    """Nobody's declaration is measured on a model that another has changed."""
    try:
        return copy_of(name)
    except ModelUnavailable as error:
        raise Unfit("unknown-model", f"{str(error).splitlines()[0]}") from None


def _has(declared: Any, name: str) -> bool:
    return isinstance(declared, dict) and name in declared


def _texts(rows: Any, kind: str) -> set[str]:
    """The clean texts of a kind of prompts. Raises Unfit for what are no prompts."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unfit(
            "not-prompts", f"wanted a list of dictionaries under {kind!r}.", f"Each has {', '.join(PROMPT)}."
        )
    if not FEWEST <= len(rows) <= MOST:
        raise Unfit("how-many", f"{kind!r} holds {len(rows)} prompts; wanted {FEWEST} to {MOST}.")
    for row in rows:
        if not all(isinstance(row.get(key), str) and 0 < len(row[key]) <= 400 for key in PROMPT):
            raise Unfit("not-prompts", f"each of {kind!r} has {', '.join(PROMPT)}, all short texts.")
    return {row["clean"] for row in rows}


def _prompts(model: TransformerBridge, rows: list[dict[str, str]], kind: str) -> Prompts:
    tokens = {}
    for row in rows:
        if row["clean"] == row["corrupted"]:
            raise Unfit("same-prompt", f"the corrupted prompt is the clean one: {row['clean']!r}.")
        for text in (row["clean"], row["corrupted"]):
            tokens[text] = model.to_tokens(text)[0]
    lengths = {len(ids) for ids in tokens.values()}
    if len(lengths) > 1 or max(lengths) > LONGEST:
        raise Unfit(
            "lengths-differ",
            f"{kind!r} has prompts of {', '.join(map(str, sorted(lengths)))} tokens; wanted one length, "
            f"at most {LONGEST}.",
            "Count with model.to_str_tokens: a word that the tokenizer cuts makes a prompt longer.",
        )
    if len({row["clean"] for row in rows}) < len(rows):
        raise Unfit(
            "twice", f"a prompt of {kind!r} stands there twice.", "It would count twice in every mean."
        )
    answers = [[_token(model, row[key]) for key in ("right", "wrong")] for row in rows]
    if any(right == wrong for right, wrong in answers):
        raise Unfit("one-answer", f"in {kind!r} a right answer is also the wrong one.")
    clean, corrupted = (torch.stack([tokens[row[key]] for row in rows]) for key in ("clean", "corrupted"))
    return Prompts(clean, corrupted, torch.tensor(answers))


def _token(model: TransformerBridge, text: str) -> int:
    ids = model.to_tokens(text, prepend_bos=False)[0].tolist()
    if len(ids) != 1:
        raise Unfit(
            "not-one-token", f"{text!r} is {len(ids)} tokens; an answer is one.", "Mind the space in front."
        )
    return ids[0]


def _refuse_no_behaviour(task: Task, kind: str, prompts: Prompts) -> None:
    nothing, lead = task.circuits(prompts, [[], task.graph.edges]).tolist()
    if lead < task.metric.enough:
        raise Unfit(
            "no-behaviour",
            f"on {kind!r} the right answer leads by {lead:.2f} {task.metric.unit} only.",
            "What the model does not do has no circuit. Look at each prompt: on which does it fail?",
        )
    if nothing > 0.8 * lead:
        raise Unfit(
            "survives-corruption",
            f"on the corrupted prompts of {kind!r} it still leads by {nothing:.2f} {task.metric.unit}.",
            "Corrupt what the answer hangs on, and nothing else.",
        )


def _reached(edges: list[Edge]) -> set[str]:
    """The labels of nodes that a path of these edges reaches from the embedding."""
    found, grown = {"embedding"}, True
    while grown:
        more = {edge.receiver.node.label for edge in edges if edge.sender.label in found} - found
        found, grown = found | more, bool(more)
    return found
