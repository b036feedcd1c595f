"""The known wrong ways of chapter 5: what every edge does, and what it would do by its gradient."""

import functools

from patchbook.checking import Mistake
from patchbook.models.unfolded import run_graph
from patchbook.tests.mistakes import slopes
from patchbook.tests.mistakes.gradient_rows import WAYS
from patchbook.tests.specifications import messages


def _wrong(**wrong):
    return functools.partial(slopes.edge_slopes, **wrong)


def _all_pairs(model, clean_tokens, corrupted_tokens, metric):
    """Every sender to every receiver, whichever comes first."""
    scores = slopes.edge_slopes(model, clean_tokens, corrupted_tokens, metric)
    clean, corrupted = slopes.run_of(model, clean_tokens), slopes.run_of(model, corrupted_tokens)
    found = slopes.gradients(model, corrupted_tokens, metric, {})
    return scores | {
        f"{sender} -> {receiver}": slopes.one(clean[sender], corrupted[sender], found[receiver], {})
        for sender in clean
        for receiver in found
    }


def _no_embedding(*arguments):
    scores = slopes.edge_slopes(*arguments)
    return {label: score for label, score in scores.items() if not label.startswith("embedding")}


_SHARED = Mistake(
    "shared-input",
    _wrong(shared=True),
    "the gradient is taken at the stream, which all later inputs share; wanted that of one input alone.",
    "In `read`, keep a tensor of its own for each input (stream.clone()), and return that one.",
)
_CUT = Mistake(
    "overwritten",
    _wrong(cut=True),
    "only the edges to the logits have a score: detached inputs cut the way of the gradient.",
    "Return stream.clone(), which is still part of the graph. A detached tensor is not.",
)

edge_attribution = (
    *(Mistake(WAYS[way][0], _wrong(**{way: True}), *WAYS[way][1:]) for way in WAYS),
    _SHARED,
    _CUT,
    Mistake(
        "all-pairs",
        _all_pairs,
        "there are edges from senders to inputs that are read before they write.",
        "Go through Graph.of(model).edges: it holds those that exist.",
    ),
    Mistake(
        "no-embedding",
        _no_embedding,
        "the embedding's edges are missing.",
        "The embedding is a sender, too.",
    ),
)


def _effects(model, clean_tokens, corrupted_tokens, metric, edges, **wrong):
    """edge_patching with one thing wrong."""
    clean_tokens, corrupted_tokens = slopes.checked(clean_tokens, corrupted_tokens, wrong)
    if wrong.get("swapped"):
        clean_tokens, corrupted_tokens = corrupted_tokens, clean_tokens
    clean, corrupted = slopes.run_of(model, clean_tokens), slopes.run_of(model, corrupted_tokens)
    clean_inputs = _inputs(model, clean_tokens)
    unpatched = metric(run_graph(model, corrupted_tokens)[0])
    effects, patched = {}, []
    for edge in edges:
        patched = [*patched, edge] if wrong.get("pile") else [edge]

        def read(name, stream, patched=tuple(patched)):
            for sender, receiver in (label.split(" -> ") for label in patched):
                stream = _heard(name, receiver, stream, clean, corrupted, sender, clean_inputs, wrong)
            return stream

        value = metric(run_graph(model, corrupted_tokens, read)[0])
        value = value - (0 if wrong.get("no_baseline") else unpatched)
        effects[edge] = -value.item() if wrong.get("sign") else value.item()
    return effects


def _heard(name, receiver, stream, clean, corrupted, sender, clean_inputs, wrong):
    mine = name == receiver
    if wrong.get("together") and "." in receiver:
        mine = name.split(".")[0] == receiver.split(".")[0]
    if wrong.get("letter") and "." in receiver:
        mine = name.split(".")[-1] == receiver.split(".")[-1] and name.split("H")[0] == receiver.split("H")[0]
    if not mine:
        return stream
    if wrong.get("replaced"):
        return clean[sender]
    if wrong.get("added"):
        return stream + clean[sender]
    if wrong.get("turned"):
        return stream - (clean[sender] - corrupted[sender])
    return clean_inputs[name] if wrong.get("whole") else stream + clean[sender] - corrupted[sender]


def _inputs(model, tokens):
    """What every input reads in a plain run."""
    inputs = {}

    def read(name, stream):
        inputs[name] = stream
        return stream

    run_graph(model, tokens, read)
    return inputs


def _node_patched(model, clean_tokens, corrupted_tokens, metric, edges, **wrong):
    """The sender's whole output is patched: every later input hears it."""
    clean_tokens, corrupted_tokens = slopes.checked(clean_tokens, corrupted_tokens, wrong)
    clean = slopes.run_of(model, clean_tokens)
    unpatched = metric(run_graph(model, corrupted_tokens)[0])
    effects = {}
    for edge in edges:
        sender = edge.split(" -> ")[0]

        def write(name, output, sender=sender):
            return clean[name] if name == sender else output

        effects[edge] = (metric(run_graph(model, corrupted_tokens, write=write)[0]) - unpatched).item()
    return effects


def _estimated(model, clean_tokens, corrupted_tokens, metric, edges):
    scores = slopes.edge_slopes(model, clean_tokens, corrupted_tokens, metric)
    return {edge: scores[edge] for edge in edges}


_EFFECTS = {
    "together": (
        "all-inputs-of-a-head",
        "all three inputs of the head hear the message.",
        "Compare the whole name of the input: 'L1H2.q' is another than 'L1H2.k'.",
    ),
    "letter": (
        "all-heads-of-a-layer",
        "every head of the layer hears the message.",
        "Compare the whole name of the input, with its head.",
    ),
    "replaced": (
        "other-senders-lost",
        "the input hears this one sender alone: the others' messages are gone.",
        "Only one term of the sum changes: stream + clean[sender] - corrupted[sender].",
    ),
    "added": (
        "heard-twice",
        "the clean message is added to the corrupted one, so that the sender is heard twice.",
        "Take the corrupted message away: stream + clean[sender] - corrupted[sender].",
    ),
    "turned": (
        "message-turned",
        "the change is taken away instead of added.",
        "stream + clean[sender] - corrupted[sender].",
    ),
    "whole": (
        "whole-input",
        "the input hears all senders' clean messages.",
        "One edge is one sender: stream + clean[sender] - corrupted[sender].",
    ),
    "no_baseline": (
        "no-baseline",
        "this is the patched metric; wanted what it gains over the unpatched run.",
        "Take away the metric of the corrupted run.",
    ),
    "sign": (
        "wrong-sign",
        "the sign is turned.",
        "metric(patched) - metric(corrupted).",
    ),
    "swapped": (
        "clean-and-corrupted-swapped",
        "the clean run is patched with corrupted messages; wanted the other way round.",
        "Run on corrupted_tokens, and let the messages come from the clean run.",
    ),
    "shortened": WAYS["shortened"],
    "pile": (
        "patches-pile-up",
        "each run keeps the patches of the edges before it.",
        "Each edge has a run of its own.",
    ),
}

edge_patching = (
    *(
        Mistake(_EFFECTS[way][0], functools.partial(_effects, **{way: True}), *_EFFECTS[way][1:])
        for way in _EFFECTS
    ),
    Mistake(
        "node-patched",
        _node_patched,
        "the sender's whole output is patched: all later inputs hear it.",
        "Change what one input reads (`read`), not what the sender writes (`write`).",
    ),
    Mistake(
        "estimated",
        _estimated,
        "these are gradient estimates; wanted the exact effects.",
        "Run the model once for each edge.",
    ),
)


def _along(model, clean_tokens, corrupted_tokens, metric, steps, shares=None, **wrong):
    """edge_attribution_ig with one thing wrong. shares: where on the way the steps stand."""
    clean_tokens, corrupted_tokens = slopes.checked(clean_tokens, corrupted_tokens, wrong)
    at = shares(steps) if shares else [(step + 0.5) / steps for step in range(steps)]
    start, end = (messages.embed(model, tokens) for tokens in (corrupted_tokens, clean_tokens))
    totals = {}
    for share in at:
        mixed = start + share * (end - start)
        found = slopes.edge_slopes(model, clean_tokens, corrupted_tokens, metric, mixed, **wrong)
        totals = {edge: totals.get(edge, 0.0) + score for edge, score in found.items()}
    return totals if wrong.get("summed") else {edge: total / len(at) for edge, total in totals.items()}


def _at(shares):
    return functools.partial(_along, shares=shares)


def _change_from_the_mix(model, clean_tokens, corrupted_tokens, metric, steps, **wrong):
    """The change is measured from each mixed run, not from the corrupted one."""
    clean_tokens, corrupted_tokens = slopes.checked(clean_tokens, corrupted_tokens, wrong)
    clean = slopes.run_of(model, clean_tokens)
    start, end = (messages.embed(model, tokens) for tokens in (corrupted_tokens, clean_tokens))
    totals = dict.fromkeys(messages.labels(model), 0.0)
    for step in range(steps):
        mixed = start + (step + 0.5) / steps * (end - start)
        own = messages.run(model, corrupted_tokens, embedding=mixed)[1]
        found = slopes.gradients(model, corrupted_tokens, metric, {}, mixed)
        for label in totals:
            sender, receiver = label.split(" -> ")
            totals[label] += slopes.one(clean[sender], own[sender], found[receiver], {}) / steps
    return totals


edge_attribution_ig = (
    Mistake(
        "left-ends",
        _at(lambda steps: [step / steps for step in range(steps)]),
        "the steps stand at the beginnings of the parts: the corrupted run counts, the clean end does not.",
        "Stand in the middle of each part: (step + 0.5) / steps.",
    ),
    Mistake(
        "right-ends",
        _at(lambda steps: [(step + 1) / steps for step in range(steps)]),
        "the steps stand at the ends of the parts, as in Hanna et al.; wanted their middles.",
        "The middles' error is smaller: (step + 0.5) / steps.",
    ),
    Mistake(
        "both-ends",
        _at(lambda steps: [step / max(steps - 1, 1) for step in range(steps)]),
        "the steps go from the one end to the other, both included: the ends count too much.",
        "Stand in the middle of each part: (step + 0.5) / steps.",
    ),
    Mistake(
        "one-gradient",
        _at(lambda steps: [0.0]),
        "this is the gradient of the corrupted run: EAP, without any steps.",
        "Replace the embedding by a mix of both, another one in each step.",
    ),
    Mistake(
        "gradient-of-the-clean-run",
        _at(lambda steps: [1.0]),
        "this is the gradient of the clean run, in every step.",
        "Replace the embedding by a mix of both, another one in each step.",
    ),
    Mistake(
        "one-step-too-many",
        _at(lambda steps: [(step + 0.5) / (steps + 1) for step in range(steps + 1)]),
        "there is one step too many.",
        "range(steps) has as many as you want.",
    ),
    Mistake(
        "summed",
        functools.partial(_along, summed=True),
        "the steps are added up; wanted their mean.",
        "Divide by the number of steps.",
    ),
    Mistake(
        "change-from-the-mix",
        _change_from_the_mix,
        "the change is measured from the mixed run; it is the same in every step: clean less corrupted.",
        "Only the gradient is taken along the way.",
    ),
    *(
        Mistake(WAYS[way][0], functools.partial(_along, **{way: True}), *WAYS[way][1:])
        for way in ("sign", "activation", "last", "absolute", "divided", "shortened")
    ),
    Mistake(_SHARED.id, functools.partial(_along, shared=True), _SHARED.what, _SHARED.next),
)
