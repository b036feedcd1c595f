"""The known wrong ways of chapter 5: what every head and MLP would do, estimated by gradients."""

import functools

from patchbook.checking import Mistake
from patchbook.tests.mistakes import slopes
from patchbook.tests.mistakes.gradient_rows import WAYS


def _nodes(model, clean_tokens, corrupted_tokens, metric, **wrong):
    """node_attribution with one thing wrong: a node's score is the sum over its edges."""
    own = {name: value for name, value in wrong.items() if name not in ("absolute", "cut_after", "embedding")}
    edges = slopes.edge_slopes(model, clean_tokens, corrupted_tokens, metric, **own)
    scores = {}
    for label, score in edges.items():
        sender, receiver = label.split(" -> ")
        if wrong.get("cut_after") and not (receiver == "logits" or _passes(receiver, wrong["cut_after"])):
            continue
        if sender != "embedding" or wrong.get("embedding"):
            scores[sender] = scores.get(sender, 0.0) + score
    return {name: abs(score) if wrong.get("absolute") else score for name, score in scores.items()}


def _passes(receiver, cut):
    return cut == "heads" and receiver.startswith("MLP")


def _first(keep):
    """Nodes of one kind only."""

    def wrong(*arguments):
        return {name: score for name, score in _nodes(*arguments).items() if keep(name)}

    return wrong


def _head_before_layer(*arguments):
    def turned(name):
        if name.startswith("MLP"):
            return name
        layer, head = name[1:].split("H")
        return f"L{head}H{layer}"

    return {turned(name): score for name, score in _nodes(*arguments).items()}


node_attribution = (
    *(Mistake(WAYS[way][0], functools.partial(_nodes, **{way: True}), *WAYS[way][1:]) for way in WAYS),
    Mistake(
        "overwritten",
        functools.partial(_nodes, cut_after="all"),
        "each node counts by its direct way to the logits only: the later hooks overwrite what it changed.",
        "Return the activation itself from your hook, not a detached copy: then the gradient flows through.",
    ),
    Mistake(
        "heads-only",
        _first(lambda name: name.startswith("L")),
        "the MLPs are missing.",
        'Their output is get_act_name("mlp_out", layer), their label f"MLP {layer}".',
    ),
    Mistake(
        "embedding-too",
        functools.partial(_nodes, embedding=True),
        "the embedding has a score, too; wanted heads and MLPs.",
        "Leave it out here. In the exercise on edges it is a sender.",
    ),
    Mistake(
        "head-before-layer",
        _head_before_layer,
        "layer and head have changed places in the labels.",
        'Write f"L{layer}H{head}".',
    ),
)
